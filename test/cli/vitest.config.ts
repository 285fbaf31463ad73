import path from 'node:path';

import { defineConfig } from 'vitest/config';

const root = path.join(import.meta.dirname, '../..');

// oxlint-disable-next-line import/no-default-export -- vitest's contract
export default defineConfig({
  root,
  test: {
    // The programs are installed on demand, which takes its time.
    testTimeout: 300_000,
    hookTimeout: 700_000,
    globalSetup: ['./test/prerequisites.ts'],
    pool: 'forks',
    include: ['test/cli/**/*.cli.ts'],
  },
});
