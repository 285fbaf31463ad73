import { accessSync, constants, globSync, realpathSync, statSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

import { execa } from 'execa';

import { AppError } from '../kernel/errors.ts';
import type { ProviderProbe } from './provider.ts';

/** Where a provider's program may be on this machine. */
export interface ProgramPlaces {
  /** The file that ops name; then nothing else is looked at. */
  readonly given: string | undefined;
  /** As PATH is written. */
  readonly searchPath: string;
  /** Folders to look into after those of `searchPath`: the project's own `node_modules/.bin`. */
  readonly folders: readonly string[];
}

/** A provider's program: what it is called, where it hides, and which version its flags and events were measured with. */
export interface InstalledProgram {
  /** For people. */
  readonly title: string;
  /** The file's name on the search path. */
  readonly name: string;
  /** The setting by which ops name the file. */
  readonly variable: string;
  readonly measured: string;
  readonly npmPackage: string;
  /**
   * What npm installs on the search path is a script of Node; we start the program itself, which leaves nothing
   * behind when it is killed. Globs of it, relative to the script's package.
   */
  readonly natives: readonly string[];
}

const VERSION_MS = 20_000;

/** The program's real file; undefined when it is nowhere. */
export function findProgram(program: InstalledProgram, places: ProgramPlaces): string | undefined {
  const { given, searchPath, folders } = places;
  const candidates =
    given === undefined
      ? [...searchPath.split(delimiter), ...folders]
          .filter((folder) => folder.startsWith('/'))
          .map((folder) => join(folder, program.name))
      : [given];
  return candidates
    .filter(isExecutable)
    .map((file) => nativeOf(program, file))
    .find((file) => file !== undefined);
}

/** The program's real file; throws PROVIDER_UNAVAILABLE with what to do. */
export function requireProgram(program: InstalledProgram, places: ProgramPlaces): string {
  const file = findProgram(program, places);
  if (file === undefined) {
    const { reason, remedy } = missing(program, places);
    throw new AppError('PROVIDER_UNAVAILABLE', reason, { remedy });
  }
  return file;
}

/** Starts it once, for its version, with nothing of ours in its environment. */
export async function probeProgram(
  program: InstalledProgram,
  places: ProgramPlaces,
  signal: AbortSignal,
): Promise<ProviderProbe> {
  const file = findProgram(program, places);
  if (file === undefined) {
    return { usable: false, ...missing(program, places) };
  }
  const { title, measured, npmPackage } = program;
  const { stdout, failed, shortMessage } = await execa(file, ['--version'], {
    env: { PATH: places.searchPath },
    extendEnv: false,
    stdin: 'ignore',
    cwd: '/',
    timeout: VERSION_MS,
    cancelSignal: signal,
    reject: false,
  });
  const [version] = /\d+\.\d+\.\d+\S*/.exec(stdout) ?? [];
  if (failed || version === undefined) {
    return {
      usable: false,
      reason: `${file} does not say its version: ${failed ? shortMessage : stdout.slice(0, 100)}`,
      remedy: `Install it anew: npm install --global ${npmPackage}@${measured}`,
    };
  }
  const detail = `${version}, ${file}`;
  return version === measured
    ? { usable: true, detail }
    : {
        usable: true,
        detail,
        warning: `${title} was measured in version ${measured}; another may print or need other things. To be sure: npm install --global ${npmPackage}@${measured}`,
      };
}

function missing(
  { title, name, variable, measured, npmPackage }: InstalledProgram,
  { given }: ProgramPlaces,
): { reason: string; remedy: string } {
  return given === undefined
    ? {
        reason: `${title} is not installed: no \`${name}\` on the PATH`,
        remedy: `Run \`npm install --global ${npmPackage}@${measured}\`, or name the program in ${variable}.`,
      }
    : {
        reason: `${variable} names ${given}, which is no program`,
        remedy: `Correct ${variable}, or unset it to look on the PATH.`,
      };
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** Behind the links, and behind the script that npm installs; undefined when there is nothing but the script. */
function nativeOf({ natives, npmPackage }: InstalledProgram, file: string): string | undefined {
  const real = realpathSync(file);
  const end = `/node_modules/${npmPackage}/`;
  const at = real.lastIndexOf(end);
  if (at === -1) {
    return real;
  }
  const home = real.slice(0, at + end.length);
  // Beside the package where npm has laid everything flat, below it where it has not.
  const found = [dirname(dirname(home)), join(home, 'node_modules')].flatMap((cwd) =>
    globSync([...natives], { cwd }).map((native) => join(cwd, native)),
  );
  return found.find(isExecutable) ?? (/\.[cm]?js$/.test(real) ? undefined : real);
}
