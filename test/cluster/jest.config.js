// The suite that needs a running Kubernetes: see docs/cluster.md. The fast suite does not collect these files.
const tier = process.env.CLUSTER_TIER ?? (process.getuid() === 0 ? 'full' : 'control-plane');
const files = {
  full: '!(vendor.node).cluster.test.ts',
  vendor: 'vendor.node.cluster.test.ts', // needs an image that is only made when asked for
  'control-plane': '!(*.node).cluster.test.ts', // no pod really runs there
  own: 'manifests.cluster.test.ts', // a user's cluster has neither our devices nor our nodes
}[process.env.TEST_OWN_CLUSTER !== undefined ? 'own' : tier === 'full' && process.argv.includes('vendor') ? 'vendor' : tier];

module.exports = {
  rootDir: __dirname,
  testMatch: [`<rootDir>/${files}`],
  transform: { '\\.ts$': ['ts-jest', { tsconfig: { rootDir: require('node:path').join(__dirname, '..', '..'), module: 'node20', target: 'es2022', esModuleInterop: true, types: ['jest', 'node'], strict: true, isolatedModules: true } }] },
  globalSetup: '<rootDir>/support/up.ts',
  globalTeardown: '<rootDir>/support/down.ts',
  testTimeout: 90_000,
  maxWorkers: 2,
};
