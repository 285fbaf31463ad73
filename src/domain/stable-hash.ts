/**
 * A number in [0, 1) that depends on `text` alone: the same on every machine and after every restart, and
 * spread evenly also over names that differ in one letter (FNV-1a, then Murmur3's finaliser, because FNV
 * alone hardly moves the high bits for the last character). For jitter; not for anything secret.
 */
export function stableFraction(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }

  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
