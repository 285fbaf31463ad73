import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import type { ProgramPlaces } from './installed-program.ts';

/** A machine's folders, with programs in them that are shell scripts. */
export interface ProgramFolder extends Disposable {
  readonly folder: string;
  /** Writes an executable that prints `prints`, and answers its path. */
  install(path: string, prints: string): string;
  link(path: string, target: string): void;
  /** Looks in `bin` alone. */
  readonly places: ProgramPlaces;
}

export function openProgramFolder(): ProgramFolder {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'programs-')));
  const at = (path: string): string => {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    return file;
  };
  return {
    folder,
    places: { given: undefined, searchPath: `${join(folder, 'bin')}:/usr/bin:/bin`, folders: [] },
    install(path, prints) {
      const file = at(path);
      writeFileSync(file, `#!/bin/sh\n${prints}\n`);
      chmodSync(file, 0o755);
      return file;
    },
    link: (path, target) => symlinkSync(target, at(path)),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}
