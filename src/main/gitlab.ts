import { tmpdir } from 'node:os';

import type { Settings } from '../config/settings.ts';
import type { Db } from '../db/db.ts';
import type { Git } from '../forge/git.ts';
import type { GitlabForge } from '../forge/gitlab/forge.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import type { DataDir } from './data-dir.ts';

interface GitlabDeps {
  settings: Settings;
  db: Db;
  git: Git;
  clock: Clock;
  log: Log;
  data: DataDir;
  matches: (glob: string, text: string) => boolean;
}

/** The GitLab that the settings name; undefined: none. Nothing is sent to it yet. */
export async function openGitlab({
  settings,
  db,
  git,
  clock,
  log,
  data,
  matches,
}: GitlabDeps): Promise<GitlabForge | undefined> {
  const { GITLAB_URL: url, GITLAB_TOKEN: token } = settings;
  if (url === undefined) {
    return undefined;
  }
  if (token === undefined) {
    throw new AppError('SETTINGS_INVALID', 'GITLAB_URL is set, and GITLAB_TOKEN is not', {
      remedy: "Set GITLAB_TOKEN, or GITLAB_TOKEN_FILE, to a token of the bot's own account.",
    });
  }
  // Loaded only where it is needed: the API's client is large.
  const [
    { createGitlabClient },
    { createGitlabForge },
    { createRequestBudget },
    { createTokenSource },
  ] = await Promise.all([
    import('../forge/gitlab/client.ts'),
    import('../forge/gitlab/forge.ts'),
    import('../forge/gitlab/request-budget.ts'),
    import('../forge/gitlab/token.ts'),
  ]);
  const client = createGitlabClient({
    url,
    token: createTokenSource({ value: token, file: settings.files.get('GITLAB_TOKEN') }),
    budget: createRequestBudget({ db, host: new URL(url).host }),
    clock,
  });
  return createGitlabForge(
    { client, git, clock, log, scratch: tmpdir(), mirrors: data.file('forge-mirrors') },
    { matches },
  );
}
