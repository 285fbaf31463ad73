import path from 'node:path';

import type { Repo } from '../db/views/repo-list.ts';
import { AppError } from '../kernel/errors.ts';
import type { ApiClient } from './api-client.ts';

/**
 * The repository that a command is about: the one that was named, else the one around the working directory,
 * else the only one.
 *
 * @throws {AppError} NOT_FOUND; USAGE where several could be meant.
 */
export async function pickRepo(
  api: ApiClient,
  { name, cwd }: { name: string | undefined; cwd: string },
): Promise<Repo> {
  if (name !== undefined) {
    return api.get<Repo>(`/repos/${encodeURIComponent(name)}`);
  }
  const { repos } = await api.get<{ repos: Repo[] }>('/repos', { limit: 200 });
  const around = repos.find(({ location }) => isInside(location, cwd));
  const [only, ...others] = repos;
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

/** The part of an API path that names a repository. */
export function repoPath({ id }: Pick<Repo, 'id'>): string {
  return `/repos/${encodeURIComponent(id)}`;
}

function isInside(folder: string, place: string): boolean {
  const relative = path.relative(folder, place);
  return path.isAbsolute(folder) && !relative.startsWith('..') && !path.isAbsolute(relative);
}
