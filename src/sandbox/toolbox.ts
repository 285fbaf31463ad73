import { randomUUID } from 'node:crypto';
import { chmod, copyFile, link, mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** What every box gets from us: host paths of an `/etc`, a Node binary and the folder of our in-box programs. */
export interface Toolbox {
  readonly etc: string;
  readonly node: string;
  readonly programs: string;
}

/** Where boxes find Node (as `node` on their PATH) and our programs. */
export const NODE_INSIDE = '/opt/autodev/bin/node';
export const PROGRAMS_INSIDE = '/opt/autodev/programs';

const PROGRAMS = ['bridge.mjs', 'irregularities.mjs', 'worker-git.mjs'];

const ETC = {
  passwd: 'worker:x:1000:1000::/home/worker:/bin/bash\nnobody:x:65534:65534::/:/bin/false\n',
  group: 'worker:x:1000:\nnogroup:x:65534:\n',
  hosts: '127.0.0.1 localhost\n::1 localhost\n',
  'nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files\n',
  // No name server: names are resolved by our proxy or not at all.
  'resolv.conf': '',
  // A mount point; the host's is bound over it where there is one.
  'ld.so.cache': '',
} as const;

/**
 * Lays the toolbox out in `folder`, which every worker's uid must be able to reach. The binary is linked or copied
 * there because `nodePath` may lie below a folder that only we may enter (/root), and so that its path says nothing.
 * Cheap when it is there already.
 */
export async function makeToolbox(folder: string, nodePath: string): Promise<Toolbox> {
  const etc = join(folder, 'etc');
  const programs = join(folder, 'programs');
  for (const each of [
    folder,
    etc,
    join(etc, 'ssl'),
    join(etc, 'pki'),
    join(etc, 'alternatives'),
    programs,
  ]) {
    await mkdir(each, { recursive: true, mode: 0o755 });
    await chmod(each, 0o755);
  }
  for (const [name, text] of Object.entries(ETC)) {
    await placeText(join(etc, name), text);
  }
  for (const name of PROGRAMS) {
    await placeText(
      join(programs, name),
      await readFile(join(import.meta.dirname, 'box', name), 'utf8'),
    );
  }
  return { etc, programs, node: await placeNode(folder, nodePath) };
}

/** Left alone when it is as it should be: replacing a file unmounts what running boxes have bound over it. */
async function placeText(path: string, text: string): Promise<void> {
  const there = await readFile(path, 'utf8').catch(() => undefined);
  if (there !== text) {
    await place(path, 0o644, (temporary) => writeFile(temporary, text));
  }
}

async function placeNode(folder: string, nodePath: string): Promise<string> {
  const { size, mtimeMs } = await stat(nodePath);
  // By the name `node`, in a folder that can stand on a PATH.
  const node = join(folder, `node-${size}-${Math.trunc(mtimeMs)}`, 'node');
  await mkdir(dirname(node), { recursive: true, mode: 0o755 });
  const there = await stat(node).catch(() => undefined);
  if (there?.size !== size) {
    await place(node, 0o755, (path) => link(nodePath, path).catch(() => copyFile(nodePath, path)));
  }
  return node;
}

/** Through a rename, so that a box that starts meanwhile never sees half a file. */
async function place(
  path: string,
  mode: number,
  write: (temporary: string) => Promise<void>,
): Promise<void> {
  const temporary = `${path}.${randomUUID()}`;
  await write(temporary);
  await chmod(temporary, mode);
  await rename(temporary, path);
}
