import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';

import { execa } from 'execa';

/** The checkout that the gates guard. */
export const root = path.join(import.meta.dirname, '..', '..');

/** A throw-away folder that the project's tools can check as if it were the project; gone at the end of its scope. */
export interface SeededTree extends AsyncDisposable {
  readonly folder: string;
  /** Runs a tool of the project there; a non-zero exit is an answer, not an error. */
  run(tool: string, ...argv: string[]): Promise<{ exitCode: number; output: string }>;
}

/** `files`: path in the tree -> content. The project's dependencies are there by a link. */
export async function seedTree(files: Record<string, string>): Promise<SeededTree> {
  const folder = await mkdtemp(path.join(tmpdir(), 'autodev-gate-'));
  await symlink(path.join(root, 'node_modules'), path.join(folder, 'node_modules'), 'dir');
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(folder, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, content);
  }

  return {
    folder,
    run: async (tool, ...argv) => {
      const { exitCode, all } = await execa(tool, argv, {
        cwd: folder,
        all: true,
        reject: false,
        preferLocal: true,
        localDir: root,
      });
      // Some tools colour what they print as soon as they see a pipeline's environment.
      return { exitCode: exitCode ?? -1, output: stripVTControlCharacters(all) };
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
