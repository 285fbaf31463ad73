import { test as base, vi } from 'vitest';

import type { Instance, StartOptions } from './instance.ts';
import { startInstance } from './instance.ts';
import type { Machine } from './machine.ts';
import { openMachine } from './machine.ts';

// Several databases are made and several workers run at once: a bound for what hangs, as the project's own.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

interface Fixtures {
  $file: { machine: Machine; started: Instance[]; instances: Instances };
  $test: { logOnFailure: undefined };
}

const SHOWN_LINES = 40;
const SHOWN_CHARACTERS = 400;

/** Starts instances on the machine of a test file; those that still run at its end are stopped. */
type Instances = (options?: StartOptions) => Promise<Instance>;

/** vitest's `test` with a machine of its own for each file, which is clean again at the end. */
export const test = base.extend<Fixtures>({
  machine: [
    async ({}, use) => {
      await using machine = await openMachine();
      await use(machine);
    },
    { scope: 'file' },
  ],
  started: [async ({}, use) => use([]), { scope: 'file' }],
  instances: [
    async ({ machine, started }, use) => {
      await using stack = new AsyncDisposableStack();
      await use(async (options) => {
        const instance = stack.use(await startInstance(machine, options));
        started.push(instance);
        return instance;
      });
    },
    { scope: 'file' },
  ],
  logOnFailure: [
    async ({ started, onTestFailed }, use) => {
      onTestFailed(() => {
        for (const { url, log } of started) {
          const last = log().split('\n').slice(-SHOWN_LINES);
          const cut = last.map((line) => line.slice(0, SHOWN_CHARACTERS)).join('\n');
          process.stderr.write(`\n=== the end of the log of ${url}\n${cut}\n`);
        }
      });
      await use(undefined);
    },
    { auto: true },
  ],
});
