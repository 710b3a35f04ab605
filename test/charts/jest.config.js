const base = require('../../jest.config.js');

/** Whole charts, step by step, as processes of this machine. */
module.exports = { ...base, rootDir: '../..', roots: ['<rootDir>/test/charts'], testMatch: ['**/*.steps.test.ts'], testPathIgnorePatterns: ['/node_modules/'], testTimeout: 120_000, maxWorkers: 2 };
