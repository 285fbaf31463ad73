import { defineConfig } from 'vitest/config';

// oxlint-disable-next-line import/no-default-export -- vitest's contract
export default defineConfig({
  test: {
    include: ['{src,test,config-schema,examples}/**/*.test.ts'],
    globalSetup: ['./test/prerequisites.ts', './test/postgres.ts'],
    pool: 'forks',
    maxWorkers: 3,
    // Real processes on a busy two-core machine: a bound for what hangs, not a measure.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
