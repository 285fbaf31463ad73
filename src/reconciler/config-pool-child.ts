import { parentPort, threadId } from 'node:worker_threads';

import type { LoadedConfig } from '../config/load.ts';

/** A thread of a pool that does what its file says: for what no file can do to the real one. */
parentPort?.on('message', ({ request }: { request: { source: Uint8Array } }) => {
  const order = Buffer.from(request.source).toString();
  switch (order) {
    case 'loop':
      for (;;) {}
    case 'throw':
      throw new Error('a bug');
    case 'exit':
      process.exit(3);
    case 'eat': {
      const all: string[][] = [];
      for (;;) {
        all.push(Array.from({ length: 10_000 }, () => String(all.length)));
      }
    }
    default:
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port, not a window
      parentPort?.postMessage({ kind: 'loaded', loaded: refusal() });
  }
});

/** Says of the thread what the tests ask of it, where a refused file has the names of others. */
function refusal(): LoadedConfig {
  const files = [String(process.env['PATH']), String(threadId)];
  return { ok: false, diagnostics: [], files };
}
