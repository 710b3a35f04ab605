/** Unit tests run straight from the sources; types are checked by `npm run check`, once for all files. */
module.exports = {
  testEnvironment: 'node',
  maxWorkers: '100%',
  globalSetup: '<rootDir>/test/support/temporary-folder.js',
  globalTeardown: '<rootDir>/test/support/remove-temporary-folder.js',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/cluster/', '\\.steps\\.test\\.ts$'],
  moduleNameMapper: { '^cdk8s-chatglm$': '<rootDir>/index.ts' },
  transform: {
    '^.+\\.ts$': ['ts-jest', { tsconfig: 'tsconfig.dev.json', diagnostics: false }],
  },
};
