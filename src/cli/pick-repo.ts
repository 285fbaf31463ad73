import { realpath, stat } from 'node:fs/promises';
import path from 'node:path';

import type { Repo } from '../db/views/repo-list.ts';
import { AppError } from '../kernel/errors.ts';
import type { ApiClient } from './api-client.ts';
import { oneLine } from './output.ts';

/** More are not listed in a message: `autodev repos` has them all. */
const LISTED = 10;

/**
 * The repository that a command is about: the one that was named (by id, by path, or by where it lies: `.`,
 * `./app`, `/src/app`), else the one around the working directory, else the only one.
 *
 * @throws {AppError} NOT_FOUND; USAGE where several could be meant.
 */
export async function pickRepo(
  api: ApiClient,
  { name, cwd }: { name: string | undefined; cwd: string },
): Promise<Repo> {
  if (name !== undefined && !isPlace(name)) {
    return api.get<Repo>(`/repos/${encodeURIComponent(name)}`);
  }
  const repos = await listRepos(api);
  const [only, ...others] = repos;
  if (name !== undefined) {
    const place = path.resolve(cwd, name);
    const there = await findAround(repos, place);
    if (there === undefined) {
      throw new AppError('NOT_FOUND', `no registered repository is at ${place}`, {
        remedy: `${registered(repos)}; \`autodev repos add ${name}\` adds one`,
      });
    }
    return there;
  }
  const around = await findAround(repos, cwd);
  if (around !== undefined) {
    return around;
  }
  if (only === undefined) {
    throw new AppError('NOT_FOUND', 'no repository is registered', {
      remedy: 'add one with `autodev repos add PATH`',
    });
  }
  if (others.length > 0) {
    throw new AppError('USAGE', 'which repository?', {
      remedy: `name one: ${repos.map((repo) => repo.path).join(', ')}`,
    });
  }
  return only;
}

/** The same where naming none means all of them. */
export async function pickNamedRepo(
  api: ApiClient,
  { name, cwd }: { name: string | undefined; cwd: string },
): Promise<Repo | undefined> {
  return name === undefined ? undefined : pickRepo(api, { name, cwd });
}

/** The part of an API path that names a repository. */
export function repoPath({ id }: Pick<Repo, 'id'>): string {
  return `/repos/${encodeURIComponent(id)}`;
}

/** No registered path begins like these, so nothing is taken for a place that was meant as a name. */
function isPlace(name: string): boolean {
  return /^(?:\.{1,2}(?:\/|$)|\/)/.test(name);
}

async function listRepos(api: ApiClient): Promise<Repo[]> {
  const repos: Repo[] = [];
  let cursor: string | undefined;
  do {
    const page: { repos: Repo[]; next: string | null } = await api.get('/repos', {
      limit: 200,
      cursor,
    });
    repos.push(...page.repos);
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
  return repos;
}

/**
 * The repository that `place` lies in: links followed, upwards to the top of its working tree and no further, so
 * that a repository inside another is not taken for the outer one.
 */
async function findAround(repos: readonly Repo[], place: string): Promise<Repo | undefined> {
  const local = repos.filter(({ location }) => path.isAbsolute(location));
  const located = new Map(
    await Promise.all(
      // The one that was registered first wins where two are at one place.
      local
        .toReversed()
        .map(async (repo): Promise<[string, Repo]> => [await realOf(repo.location), repo]),
    ),
  );
  for (let folder = await realOf(place); ; folder = path.dirname(folder)) {
    const found = located.get(folder);
    if (found !== undefined) {
      return found;
    }
    if (folder === path.dirname(folder) || (await exists(path.join(folder, '.git')))) {
      return undefined;
    }
  }
}

/** As it is where it cannot be followed: it may lie on the server's machine only. */
async function realOf(place: string): Promise<string> {
  try {
    return await realpath(place);
  } catch {
    return path.resolve(place);
  }
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}

function registered(repos: readonly Repo[]): string {
  if (repos.length === 0) {
    return 'none is registered';
  }
  const names = repos
    .slice(0, LISTED)
    .map((repo) => oneLine(`${repo.path} (${repo.location})`))
    .join(', ');
  const more = repos.length > LISTED ? ` and ${repos.length - LISTED} more` : '';
  return `registered: ${names}${more}`;
}
