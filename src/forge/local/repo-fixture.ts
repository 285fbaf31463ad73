import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';

import { systemClock } from '../../kernel/clock.ts';
import type { ForgeRepo } from '../forge.ts';
import { createGit, type Git } from '../git.ts';
import { createLocalForge, type LocalForge } from './forge.ts';

/** A real repository with one commit on `main`, and a forge to look at it; for tests. */
export interface RepoFixture extends Disposable {
  /** A folder of its own, removed with the fixture; `folder/repo` is the repository. */
  readonly folder: string;
  readonly path: string;
  readonly repo: ForgeRepo;
  readonly forge: LocalForge;
  readonly git: Git;
  readonly signal: AbortSignal;
  /** Runs git as a person would, in the repository or in `cwd`; answers its trimmed output. */
  readonly sh: (args: readonly string[], cwd?: string) => string;
  readonly write: (file: string, content: string) => void;
  /** Writes the files and commits everything on the branch that is checked out; answers the commit. */
  readonly commit: (files: Record<string, string>, message?: string) => string;
  /** Makes a commit on top of `base` in a clone of the repository and bundles it, as a runner does. */
  bundle(files: Record<string, string>, base?: string): Work;
  /** As `bundle`, with a commit that holds `folder/file` by exactly these names, which git itself would refuse. */
  bundleTree(path: `${string}/${string}`, content: string): Work;
}

interface Work {
  readonly head: string;
  readonly bundle: () => Readable;
}

const PERSON = {
  GIT_AUTHOR_NAME: 'Person',
  GIT_AUTHOR_EMAIL: 'person@example.org',
  GIT_COMMITTER_NAME: 'Person',
  GIT_COMMITTER_EMAIL: 'person@example.org',
};

/** `init` are further arguments of `git init`. */
export function repoFixture({ init = [] }: { init?: readonly string[] } = {}): RepoFixture {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'autodev-forge-')));
  const path = join(folder, 'repo');
  const PATH = process.env['PATH'] ?? '';
  const env = { PATH, HOME: folder, GIT_CONFIG_NOSYSTEM: '1', ...PERSON };
  const git = createGit({ path: PATH, clock: systemClock });

  const sh = (args: readonly string[], cwd = path): string =>
    execFileSync('git', ['-c', 'safe.directory=*', ...args], {
      cwd,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      encoding: 'utf8',
    }).trim();
  const writeIn = (top: string, file: string, content: string): void => {
    mkdirSync(dirname(join(top, file)), { recursive: true });
    writeFileSync(join(top, file), content);
  };
  const commitIn = (top: string, files: Record<string, string>, message = 'Change'): string => {
    for (const [file, content] of Object.entries(files)) {
      writeIn(top, file, content);
    }
    sh(['add', '-A'], top);
    sh(['commit', '--quiet', '--allow-empty', '-m', message], top);
    return sh(['rev-parse', 'HEAD'], top);
  };

  const cloneForWork = (base: string): string => {
    const clone = mkdtempSync(join(folder, 'work-'));
    sh(['clone', '--quiet', '--shared', path, clone], folder);
    sh(['checkout', '--quiet', '--detach', base], clone);
    return clone;
  };
  const objectIn = (top: string, type: string, content: string | Buffer): string =>
    execFileSync('git', ['hash-object', '-w', '--literally', '--stdin', '-t', type], {
      cwd: top,
      env,
      input: content,
      encoding: 'utf8',
    }).trim();
  const bundleOf = (top: string, base: string, head: string): Work => {
    sh(['update-ref', 'refs/heads/work', head], top);
    const bytes = execFileSync('git', ['bundle', 'create', '-', `^${base}`, 'refs/heads/work'], {
      cwd: top,
      env,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return { head, bundle: () => Readable.from([bytes]) };
  };

  mkdirSync(path);
  sh(['init', '--quiet', '--initial-branch=main', ...init]);
  commitIn(path, { 'README.md': 'one\ntwo\nthree\n', 'src/add.ts': 'export const one = 1;\n' });

  return {
    folder,
    path,
    repo: { id: 1, path: 'repo', location: path, branch: 'main' },
    forge: createLocalForge({
      git,
      clock: systemClock,
      scratch: folder,
      maxBundleBytes: 1024 * 1024,
      identity: { name: 'Auto-Dev', email: 'autodev@localhost' },
    }),
    git,
    signal: new AbortController().signal,
    sh,
    write: (file, content) => writeIn(path, file, content),
    commit: (files, message) => commitIn(path, files, message),
    bundle(files, base = sh(['rev-parse', 'main'])) {
      const clone = cloneForWork(base);
      return bundleOf(clone, base, commitIn(clone, files, 'Work'));
    },
    bundleTree(file, content) {
      const base = sh(['rev-parse', 'main']);
      const clone = cloneForWork(base);
      const [outer = '', inner = ''] = file.split('/');
      const blob = objectIn(clone, 'blob', content);
      const tree = objectIn(clone, 'tree', entry('100644', inner, blob));
      const top = objectIn(clone, 'tree', entry('40000', outer, tree));
      return bundleOf(clone, base, sh(['commit-tree', '-p', base, '-m', 'Work', top], clone));
    },
    [Symbol.dispose]() {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function entry(mode: string, name: string, id: string): Buffer {
  return Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(id, 'hex')]);
}
