/** Dependencies point one way: lib <- constructs <- charts <- examples. */
const layers = ['lib', 'constructs', 'charts', 'examples'];

module.exports = {
  forbidden: [
    ...layers.slice(0, -1).map((layer, index) => ({
      name: `${layer}-looks-down`,
      severity: 'error',
      comment: `${layer} may not import from ${layers.slice(index + 1).join(', ')}`,
      from: { path: `^${layer}/` },
      to: { path: `^(${layers.slice(index + 1).join('|')}|bin|bench|test)/` },
    })),
    { name: 'no-cycles', severity: 'error', comment: 'types may refer to each other, code may not', from: {}, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } },
    {
      name: 'client-node-only-in-bin', severity: 'error', comment: 'the library only describes objects; types may be imported',
      from: { pathNot: '^bin/' }, to: { path: '@kubernetes/client-node', dependencyTypesNot: ['type-only'] },
    },
    { name: 'examples-use-the-package', severity: 'error', comment: 'examples are what a user writes', from: { path: '^examples/[^/]+/' }, to: { path: '^(lib|constructs|charts)/' } },
    { name: 'only-two-files-touch-the-disk', severity: 'error', from: { path: '^(lib|constructs|charts)/', pathNot: '^constructs/(script-files|synthesis/output-folder)\\.ts$' }, to: { path: '^(node:)?fs' } },
  ],
  options: {
    tsPreCompilationDeps: 'specify',
    tsConfig: { fileName: 'tsconfig.dev.json' },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(build|dist|test/cluster)/' },
  },
};
