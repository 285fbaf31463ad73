import path from 'node:path';

import { defineConfig } from 'vitest/config';

const root = path.join(import.meta.dirname, '../..');

// oxlint-disable-next-line import/no-default-export -- vitest's contract
export default defineConfig({
  root,
  test: {
    // Minutes of real processes that are killed at random: too long for every push.
    testTimeout: 420_000,
    hookTimeout: 60_000,
    globalSetup: ['./test/prerequisites.ts', './test/postgres.ts'],
    pool: 'forks',
    include: ['test/chaos/**/*.chaos.ts'],
  },
});
