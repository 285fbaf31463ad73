import { defineConfig } from 'vitest/config';

// Real processes on a busy two-core machine: a bound for what hangs, not a measure.
const bounds = { testTimeout: 60_000, hookTimeout: 60_000 };

/** Pure decisions and readers: nothing to keep apart, so their files share a process. */
const pure = ['src/{kernel,domain,config}/**/*.test.ts'];

// oxlint-disable-next-line import/no-default-export -- vitest's contract
export default defineConfig({
  test: {
    globalSetup: ['./test/prerequisites.ts', './test/postgres.ts'],
    pool: 'forks',
    maxWorkers: 3,
    projects: [
      { test: { ...bounds, name: 'pure', include: pure, isolate: false } },
      {
        test: {
          ...bounds,
          name: 'real',
          include: ['{src,test,config-schema,cdk8s,examples}/**/*.test.ts'],
          exclude: [...pure, '**/node_modules/**'],
        },
      },
    ],
  },
});
