// Used by worker-git.mjs inside a box: what lies in a workspace and is no plain file, folder or link.
import { readdirSync } from 'node:fs';

const MAX_IRREGULAR = 1000;

/** Everything that git would follow, trip over or wait on; its folder is not entered. Paths are bytes. */
export function irregularities(workspace) {
  const found = [];
  const folders = [Buffer.alloc(0)];
  while (folders.length > 0 && found.length < MAX_IRREGULAR) {
    const folder = folders.pop();
    let entries;
    try {
      entries = readdirSync(Buffer.concat([Buffer.from(`${workspace}/`), folder]), {
        withFileTypes: true,
        encoding: 'buffer',
      });
    } catch (error) {
      found.push({ path: folder, kind: error.code === 'ENAMETOOLONG' ? 'too_deep' : 'unreadable' });
      continue;
    }
    const isRoot = folder.length === 0;
    if (!isRoot && entries.some((entry) => isGitName(entry.name))) {
      found.push({ path: folder, kind: 'nested_repository' });
      continue;
    }
    for (const entry of entries) {
      const path = isRoot ? entry.name : Buffer.concat([folder, Buffer.from('/'), entry.name]);
      if (isRoot && entry.name.toString() === '.git') {
        continue;
      }
      if (isRoot && isGitName(entry.name)) {
        found.push({ path, kind: 'nested_repository' });
      } else if (entry.isDirectory()) {
        folders.push(path);
      } else if (!entry.isFile() && !entry.isSymbolicLink()) {
        found.push({
          path,
          kind: entry.isFIFO() ? 'fifo' : entry.isSocket() ? 'socket' : 'device',
        });
      }
    }
  }
  return found;
}

/** `.git` in any of the spellings that some file system takes for it. */
function isGitName(name) {
  return /^(\.git|git~\d)[ .]*$/i.test(name.toString('latin1'));
}
