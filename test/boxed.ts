import { test as base, inject } from 'vitest';

/**
 * vitest's `test` for what needs a box of bubblewrap: skipped where none can be made, which test/prerequisites.ts
 * has said at the start of the run.
 */
export const test = base.extend<{ boxes: undefined }>({
  boxes: [
    async ({ skip }, use) => {
      skip(!inject('available').bubblewrap, 'no bubblewrap');
      await use(undefined);
    },
    { auto: true },
  ],
});
