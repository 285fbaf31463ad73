import { existsSync } from 'node:fs';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

interface BorrowingRepository {
  /** The bare repository whose objects are borrowed; it must stay where it is. */
  readonly mirror: string;
  /** Any commit id of the mirror: its length tells the format of ids. */
  readonly commit: string;
  /** Besides those that its format needs, as `section.key=value`. */
  readonly settings: readonly `${string}.${string}=${string}`[];
  /** What stands in HEAD. Default: a branch that does not exist. */
  readonly head?: string;
}

/**
 * Makes an empty git folder that borrows a mirror's objects. Made by hand, so that it costs no process and no
 * template or configuration comes along; git waits for the disk several times when it makes one, and a folder of
 * one attempt need not outlive a power cut.
 */
export async function createBorrowingRepository(
  folder: string,
  { mirror, commit, settings, head = 'ref: refs/heads/none' }: BorrowingRepository,
): Promise<void> {
  for (const each of ['objects/info', 'objects/pack', 'refs/heads', 'info']) {
    await mkdir(join(folder, each), { recursive: true });
  }
  const format =
    commit.length === 64
      ? ['core.repositoryFormatVersion=1', 'extensions.objectFormat=sha256']
      : ['core.repositoryFormatVersion=0'];
  await writeFile(join(folder, 'config'), [...format, ...settings].map(configLines).join(''));
  await writeFile(join(folder, 'HEAD'), `${head}\n`);
  await writeFile(join(folder, 'objects', 'info', 'alternates'), `${join(mirror, 'objects')}\n`);
  // Where a history ends that was cloned with a depth.
  const shallow = join(mirror, 'shallow');
  if (existsSync(shallow)) {
    await copyFile(shallow, join(folder, 'shallow'));
  }
}

/** `a.b=c` as a configuration file has it; our own settings need no quoting. */
function configLines(setting: string): string {
  const [, section, key, value] = /^(\w+)\.(\w+)=(.*)$/.exec(setting) ?? [];
  return `[${section}]\n\t${key} = ${value}\n`;
}
