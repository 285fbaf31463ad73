import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/**
 * Reads a file that a worker wrote: never through a link, never waiting on a FIFO, never more than `maxBytes`, and
 * only a plain file with one name. Undefined when there is none; otherwise what it is instead, as `refused`.
 */
export async function readWorkerFile(
  path: string,
  maxBytes: number,
): Promise<{ readonly content: Buffer } | { readonly refused: string } | undefined> {
  let file;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') {
      return undefined;
    }
    return {
      refused: code === 'ELOOP' ? 'is a symbolic link' : `cannot be opened (${String(code)})`,
    };
  }
  await using opened = file;
  const { size, nlink, ...stats } = await opened.stat();
  if ((stats.mode & constants.S_IFMT) !== constants.S_IFREG) {
    return { refused: 'is not a regular file' };
  }
  if (nlink !== 1) {
    return { refused: 'has more than one name (a hard link)' };
  }
  if (size > maxBytes) {
    return { refused: `is larger than ${maxBytes} bytes` };
  }
  const content = Buffer.alloc(size);
  const { bytesRead } = await opened.read(content, 0, size, 0);
  return { content: content.subarray(0, bytesRead) };
}
