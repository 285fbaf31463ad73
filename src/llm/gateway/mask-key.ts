/** What stands where the key stood. */
const MASK = Buffer.from('[key]');
/** A shorter one would be found in ordinary text. */
const LEAST_KEY_BYTES = 8;

/** Takes a credential out of the bytes of an answer. */
export interface KeyMask {
  push(chunk: Buffer): Buffer;
  /** What was held back, because it might have been the beginning of the key. */
  end(): Buffer;
}

/**
 * Lets an answer pass without the key that it was asked for with, also where the key is split over two chunks.
 * Providers quote refused keys; a worker must not learn one from an error. Only bytes that may be the beginning of
 * the key wait for the next chunk, and an event never ends with such.
 */
export function createKeyMask(key: string): KeyMask {
  const secret = Buffer.from(key);
  let held = Buffer.alloc(0);
  if (secret.length < LEAST_KEY_BYTES) {
    return { push: (chunk) => chunk, end: () => held };
  }
  return {
    push(chunk) {
      const joined = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
      const masked = replaceAll(joined, secret);
      const kept = overlap(masked, secret);
      held = kept === 0 ? Buffer.alloc(0) : Buffer.from(masked.subarray(masked.length - kept));
      return kept === 0 ? masked : masked.subarray(0, masked.length - kept);
    },
    end() {
      const last = held;
      held = Buffer.alloc(0);
      return last;
    },
  };
}

export function maskText(text: string, key: string): string {
  return key.length < LEAST_KEY_BYTES ? text : text.replaceAll(key, MASK.toString());
}

function replaceAll(bytes: Buffer, secret: Buffer): Buffer {
  let at = bytes.indexOf(secret);
  if (at === -1) {
    return bytes;
  }
  const pieces: Buffer[] = [];
  let from = 0;
  for (; at !== -1; at = bytes.indexOf(secret, from)) {
    pieces.push(bytes.subarray(from, at), MASK);
    from = at + secret.length;
  }
  pieces.push(bytes.subarray(from));
  return Buffer.concat(pieces);
}

/** How many bytes at the end of `bytes` are the beginning of `secret`. */
function overlap(bytes: Buffer, secret: Buffer): number {
  const first = secret[0] ?? 0;
  const from = Math.max(0, bytes.length - secret.length + 1);
  for (let at = bytes.indexOf(first, from); at !== -1; at = bytes.indexOf(first, at + 1)) {
    const tail = bytes.subarray(at);
    if (tail.equals(secret.subarray(0, tail.length))) {
      return tail.length;
    }
  }
  return 0;
}
