import type { IncomingMessage } from 'node:http';

import { Refusal } from './refusal.ts';

/** All bodies of one attempt that are in memory at once: its calls under way and those that wait. */
const MAX_HELD_BYTES = 128 * 2 ** 20;

/**
 * Reads a whole body, counted on its attempt until `release`; `take` gives it out once. Aborting `signal` ends a worker that sends too slowly.
 * Throws `Refusal`.
 */
export async function readBody(
  incoming: IncomingMessage,
  {
    holder,
    maxBytes,
    signal,
  }: { holder: { heldBytes: number }; maxBytes: number; signal: AbortSignal },
): Promise<{ readonly take: () => Buffer; readonly release: () => void }> {
  if ((incoming.headers['content-encoding'] ?? 'identity') !== 'identity') {
    throw new Refusal(415, 'compressed requests are not accepted');
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  const release = (): void => {
    holder.heldBytes -= bytes;
    bytes = 0;
  };
  const onAbort = (): void => void incoming.destroy();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    for await (const piece of incoming) {
      const chunk: Buffer = Buffer.isBuffer(piece) ? piece : Buffer.from(String(piece));
      bytes += chunk.length;
      holder.heldBytes += chunk.length;
      if (bytes > maxBytes) {
        throw new Refusal(413, `the request is larger than ${maxBytes} bytes`);
      }
      if (holder.heldBytes > MAX_HELD_BYTES) {
        throw new Refusal(503, 'too many large requests of this attempt at once');
      }
      chunks.push(chunk);
    }
    return { take: () => Buffer.concat(chunks.splice(0), bytes), release };
  } catch (error) {
    release();
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
