import { createHash, randomUUID } from 'node:crypto';
import { chmod, copyFile, link, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

const READABLE = 0o004;
const EXECUTABLE = 0o001;

/**
 * Puts a program of this machine, a file or a folder, where workers can reach it: it may lie below a folder that only
 * we may enter (/root), and its own path would tell workers about this machine. Cheap when it is there already.
 *
 * @param folder one that every worker's uid can walk to
 * @returns the path to bind into boxes; its name says nothing
 */
export async function placeProgram(folder: string, host: string): Promise<string> {
  const { size, mtimeMs, ino } = await stat(host);
  const id = createHash('sha256').update(`${host} ${ino} ${size} ${mtimeMs}`).digest('hex');
  const place = join(folder, id.slice(0, 16));
  if ((await stat(place).catch(() => undefined)) !== undefined) {
    return place;
  }
  await mkdir(folder, { recursive: true, mode: 0o711 });
  await chmod(folder, 0o711);
  const unfinished = `${place}.${randomUUID()}`;
  await reproduce(host, unfinished);
  try {
    await rename(unfinished, place);
  } catch (error) {
    // Somebody else was faster with the same program.
    await rm(unfinished, { recursive: true, force: true });
    if ((await stat(place).catch(() => undefined)) === undefined) {
      throw error;
    }
  }
  return place;
}

/** Links in it are followed: what they lead to is not in the box. */
async function reproduce(from: string, to: string): Promise<void> {
  const stats = await stat(from);
  if (!stats.isDirectory()) {
    await reproduceFile(from, to, stats.mode);
    return;
  }
  await mkdir(to);
  await chmod(to, 0o755);
  for (const name of await readdir(from)) {
    await reproduce(join(from, name), join(to, name));
  }
}

/** A second name costs nothing; where that is impossible, or others could not read it, a copy. */
async function reproduceFile(from: string, to: string, mode: number): Promise<void> {
  const isExecutable = (mode & 0o111) !== 0;
  const needed = isExecutable ? READABLE | EXECUTABLE : READABLE;
  const isOpen = (mode & needed) === needed;
  const linked =
    isOpen &&
    (await link(from, to).then(
      () => true,
      () => false,
    ));
  if (!linked) {
    await copyFile(from, to);
    await chmod(to, isExecutable ? 0o755 : 0o644);
  }
}
