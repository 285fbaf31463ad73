import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * A bare repository of ours in an empty folder that borrows a mirror's objects: what is looked at there leaves
 * nothing in the mirror. Made by hand, so that no template or configuration comes along.
 */
export async function createScratchRepository(
  folder: string,
  { mirror, base }: { mirror: string; base: string },
): Promise<void> {
  for (const each of ['objects/info', 'objects/pack', 'refs', 'info']) {
    await mkdir(join(folder, each), { recursive: true });
  }
  const config =
    base.length === 64
      ? '[core]\n\tbare = true\n\trepositoryFormatVersion = 1\n[extensions]\n\tobjectFormat = sha256\n'
      : '[core]\n\tbare = true\n\trepositoryFormatVersion = 0\n';
  await writeFile(join(folder, 'config'), config);
  await writeFile(join(folder, 'HEAD'), 'ref: refs/heads/none\n');
  await writeFile(join(folder, 'objects', 'info', 'alternates'), `${join(mirror, 'objects')}\n`);
}
