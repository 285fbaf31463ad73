import { maskSecretShapes } from '../domain/secret-shapes.ts';

const KEY_BEGINS = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY/u;
const KEY_ENDS = /-----END [A-Z0-9 ]{0,40}PRIVATE KEY/u;

/**
 * Masks what looks like a credential in a stream of lines; of a private key all lines. The last wall only: a worker
 * holds no real secret of ours, but a repository's own may be printed.
 */
export function createMask(): (line: string) => string {
  let insideKey = false;
  return (line) => {
    if (insideKey) {
      insideKey = !KEY_ENDS.test(line);
      return '[a private key, masked]';
    }
    insideKey = KEY_BEGINS.test(line) && !KEY_ENDS.test(line);
    return maskSecretShapes(line);
  };
}
