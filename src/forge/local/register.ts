import { statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

import { AppError } from '../../kernel/errors.ts';
import type { Git, GitPlace } from '../git.ts';
import { placeOf, requireFolders } from './place.ts';
import { listWorktrees } from './worktrees.ts';

/** What is fixed about a local repository when it is registered. */
export interface LocalRegistration {
  /** The top of the main working tree, or the bare repository: one repository has one location. */
  readonly location: string;
  readonly branch: string;
  readonly head: string;
  readonly bare: boolean;
}

/** Checks that a folder can be registered; INVALID_REQUEST and NOT_FOUND carry what to do as remedy. */
export async function inspectRepo(
  { git }: { git: Git },
  { path, branch }: { path: string; branch: string | undefined },
  signal: AbortSignal,
): Promise<LocalRegistration> {
  const folder = resolve(path);
  requireDirectory(folder);
  const { location, bare } = await findLocation(git, folder, signal);
  const place = placeOf(requireFolders(location));

  const branches = await listBranches(git, place, signal);
  if (branches.size === 0) {
    throw new AppError('INVALID_REQUEST', `The repository at ${location} has no commits yet.`, {
      remedy: `Commit something first: git -C ${location} commit --allow-empty -m "Begin"`,
    });
  }
  const chosen = branch ?? (await defaultBranch(git, place, branches, signal));
  const head = chosen === undefined ? undefined : branches.get(chosen);
  if (chosen === undefined || head === undefined) {
    throw noBranch(location, branch, [...branches.keys()]);
  }
  return { location, branch: chosen, head, bare };
}

function requireDirectory(folder: string): void {
  const stat = statSync(folder, { throwIfNoEntry: false });
  if (stat === undefined) {
    throw new AppError('NOT_FOUND', `There is no folder ${folder}.`, {
      remedy: 'Give the path of a git repository on this machine.',
    });
  }
  if (!stat.isDirectory()) {
    throw new AppError('INVALID_REQUEST', `${folder} is a file, not the folder of a repository.`, {
      remedy: `Give the folder: ${dirname(folder)}`,
    });
  }
}

async function findLocation(git: Git, folder: string, signal: AbortSignal) {
  // Whose the repository is is not known before it is found, hence any folder is safe for this one question.
  const place: GitPlace = { cwd: folder, safeDirectories: ['*'] };
  const query = ['rev-parse', '--is-bare-repository', '--path-format=absolute', '--git-common-dir'];
  const { code, stdout } = await git.run(place, query, signal, { answers: [0, 128] });
  const [isBare, commonDir] = stdout.toString().trim().split('\n');
  if (code !== 0 || commonDir === undefined) {
    throw new AppError('INVALID_REQUEST', `${folder} is not a git repository.`, {
      remedy: `Make it one: git init ${folder}`,
    });
  }
  const [main] = await listWorktrees({ git }, place, signal);
  if (isBare === 'true' || main === undefined || main.bare) {
    return { location: commonDir, bare: true };
  }
  // A submodule's main worktree is listed by its git folder; git knows the tree from inside only.
  const top = main.path === commonDir ? ['rev-parse', '--show-toplevel'] : undefined;
  return { location: top ? await git.text(place, top, signal) : main.path, bare: false };
}

async function listBranches(
  git: Git,
  place: GitPlace,
  signal: AbortSignal,
): Promise<Map<string, string>> {
  const listed = await git.text(
    place,
    ['for-each-ref', '--format=%(objectname) %(refname:lstrip=2)', 'refs/heads/'],
    signal,
  );
  const lines = listed.split('\n').filter((line) => line !== '');
  return new Map(
    lines.map((line) => [line.slice(line.indexOf(' ') + 1), line.split(' ')[0] ?? '']),
  );
}

async function defaultBranch(
  git: Git,
  place: GitPlace,
  branches: ReadonlyMap<string, string>,
  signal: AbortSignal,
): Promise<string | undefined> {
  const origin = await git.text(
    place,
    ['symbolic-ref', '--quiet', 'refs/remotes/origin/HEAD'],
    signal,
    { answers: [0, 1, 128] },
  );
  const candidates = [origin.replace('refs/remotes/origin/', ''), 'main', 'master'];
  return candidates.find((name) => branches.has(name));
}

function noBranch(location: string, asked: string | undefined, branches: string[]): AppError {
  const shown = branches.slice(0, 10).join(', ');
  return new AppError(
    'INVALID_REQUEST',
    asked === undefined
      ? `Which branch of ${location} is the default one? It has neither origin/HEAD, main nor master.`
      : `The repository at ${location} has no branch ${asked}.`,
    { remedy: `Name one with --branch NAME. It has: ${shown}` },
  );
}
