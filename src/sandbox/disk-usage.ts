import { execFile } from 'node:child_process';
import { statfs } from 'node:fs/promises';

/**
 * Bytes that the trees at `paths` take up, as blocks: a sparse file counts for what it holds, a hard link once. A
 * program of the system walks them, as it follows no link and is not confused by paths longer than the kernel takes.
 * What vanishes meanwhile, or may not be read, does not count.
 */
export function treeBytes(paths: readonly string[], signal: AbortSignal): Promise<number> {
  if (paths.length === 0) {
    return Promise.resolve(0);
  }
  return new Promise((resolve) => {
    const options = { env: {}, cwd: '/', signal, maxBuffer: 64 * 1024 * 1024 };
    execFile('/usr/bin/du', ['-skx', ...paths], options, (_error, stdout) => {
      const sums = stdout.split('\n').map((line) => Number.parseInt(line, 10) || 0);
      resolve(sums.reduce((sum, each) => sum + each, 0) * 1024);
    });
  });
}

/** Bytes in use on the file system that holds `path`; 0 when it cannot be asked. */
export async function filesystemBytes(path: string): Promise<number> {
  try {
    const { blocks, bfree, bsize } = await statfs(path);
    return (blocks - bfree) * bsize;
  } catch {
    return 0; // the process whose view of it we asked for has ended
  }
}
