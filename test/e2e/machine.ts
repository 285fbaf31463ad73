import { chmod, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { execa } from 'execa';

import { processesWith } from './leftovers.ts';
import { until } from './until.ts';

const CHECKOUT = path.join(import.meta.dirname, '../..');

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a person has before the first start: a home, git, repositories, and the command line. */
export interface Machine extends AsyncDisposable {
  /** Holds everything that a test makes; its name marks every process of it. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  /** Runs a program to its end, whatever its exit code. */
  run(file: string, args: readonly string[], cwd?: string): Promise<Ran>;
  /** `autodev …` without a running server behind it, unless `--data` names one. */
  autodev(...args: string[]): Promise<Ran>;
  /** Runs git as a person would; answers its trimmed output, throws when it fails. */
  git(cwd: string, ...args: string[]): Promise<string>;
  /** Writes the files into a repository and commits everything; answers the commit. */
  commit(repo: string, files: Files, message?: string): Promise<string>;
  /** Makes a repository with one commit on `main`; answers its folder. */
  repository(name: string, files: Files): Promise<string>;
}

/** Contents by path. */
export type Files = Readonly<Record<string, string | Uint8Array>>;

/** The command that starts Auto-Dev, of this checkout or another, on the Node that runs the tests. */
export function autodevCommand(args: readonly string[], checkout = CHECKOUT): [string, string[]] {
  return [process.execPath, [path.join(checkout, 'bin/autodev.js'), ...args]];
}

/** When it is disposed of, no process of it may be left: what is, fails the test and is killed. */
export async function openMachine(): Promise<Machine> {
  const folder = await realpath(await mkdtemp(path.join(tmpdir(), 'autodev-e2e-')));
  // As root, PostgreSQL and the workers have accounts of their own, which must get through.
  await chmod(folder, 0o755);
  const home = path.join(folder, 'home');
  await mkdir(home);
  await writeFile(
    path.join(home, '.gitconfig'),
    '[user]\n\tname = Person\n\temail = person@example.org\n[commit]\n\tgpgsign = false\n',
  );
  const env = {
    PATH: process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
    HOME: home,
    LANG: 'C.UTF-8',
    NO_COLOR: '1',
  };

  const run = async (file: string, args: readonly string[], cwd = folder): Promise<Ran> => {
    const { exitCode, stdout, stderr, shortMessage } = await execa(file, args, {
      cwd,
      env,
      extendEnv: false,
      reject: false,
      stdin: 'ignore',
      timeout: 60_000,
    });
    return { code: exitCode ?? -1, stdout, stderr: stderr || (shortMessage ?? '') };
  };
  const git = async (cwd: string, ...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await run('git', args, cwd);
    if (code !== 0) {
      throw new Error(`git ${args.join(' ')} ended with ${code}: ${stderr}`);
    }
    return stdout.trim();
  };
  const commit = async (repo: string, files: Files, message = 'Change'): Promise<string> => {
    await writeFiles(repo, files);
    await git(repo, 'add', '--all');
    await git(repo, 'commit', '--quiet', '--allow-empty', '--no-verify', '--message', message);
    return git(repo, 'rev-parse', 'HEAD');
  };

  return {
    folder,
    env,
    run,
    autodev: (...args) => run(...autodevCommand(args)),
    git,
    commit,
    async repository(name, files) {
      const repo = path.join(folder, name);
      await mkdir(repo, { recursive: true });
      await git(repo, 'init', '--quiet', '--initial-branch=main');
      await commit(repo, files, 'Begin');
      return repo;
    },
    async [Symbol.asyncDispose]() {
      try {
        await until(
          'no process is left behind',
          () => processesWith(folder),
          (left) => left.length === 0,
          { withinMs: 3000 },
        );
      } finally {
        for (const { pid } of await processesWith(folder)) {
          process.kill(pid, 'SIGKILL');
        }
        await rm(folder, { recursive: true, force: true, maxRetries: 5 });
      }
    },
  };
}

export async function writeFiles(folder: string, files: Files): Promise<void> {
  for (const [file, content] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(folder, file)), { recursive: true });
    await writeFile(path.join(folder, file), content);
  }
}
