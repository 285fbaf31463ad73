import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';

import { startGitlab } from '../../../test/gitlab/gitlab-fixture.ts';
import type { GitlabOptions } from '../../../test/gitlab/gitlab.ts';
import { systemClock } from '../../kernel/clock.ts';
import { createGit } from '../git.ts';
import { createGitlabClient, type ClientDeps } from './client.ts';
import type { RequestBudget } from './request-budget.ts';
import { createTokenSource } from './token.ts';

export const NEVER = new AbortController().signal;

/** A GitLab with one project, a bot and three people in it, and our client as the bot. */
export async function startShop(
  options: Partial<GitlabOptions> = {},
  client: Partial<ClientDeps> = {},
) {
  const gitlab = await startGitlab(options);
  const bot = gitlab.user('autodev-bot', { bot: true });
  const [alice, bob, guest] = [gitlab.user('alice'), gitlab.user('bob'), gitlab.user('guest')];
  const project = await gitlab.project('platform/shop', {
    files: { 'README.md': 'one\ntwo\nthree\n', 'autodev.yaml': 'version: 1\n' },
    members: [
      [alice, 'maintainer'],
      [bob, 'developer'],
      [bot, 'developer'],
      [guest, 'guest'],
    ],
  });
  const secret = gitlab.token(bot).value;
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'autodev-gitlab-forge-')));
  const url = client.url ?? gitlab.url;
  const repo = {
    id: 1,
    forge: 'gitlab',
    path: project.path,
    location: String(project.id),
    branch: 'main',
  } as const;
  return {
    gitlab,
    bot,
    alice,
    bob,
    guest,
    project,
    secret,
    repo,
    folder,
    /** One commit on top of `base` (default: the default branch's head), as a runner brings it. */
    work: (files: Record<string, string>, base = 'main') =>
      bundleWork({ folder, dir: project.dir }, files, base),
    git: createGit({ path: process.env['PATH'] ?? '', clock: systemClock }),
    client: createGitlabClient({
      url,
      token: createTokenSource({ value: secret }),
      budget: openBudget(),
      clock: systemClock,
      limits: { backoffMs: 5, tryMs: 20_000 },
      ...client,
    }),
    async [Symbol.asyncDispose]() {
      rmSync(folder, { recursive: true, force: true });
      await gitlab[Symbol.asyncDispose]();
    },
  };
}

const PERSON = {
  GIT_AUTHOR_NAME: 'Auto-Dev',
  GIT_AUTHOR_EMAIL: 'autodev-bot@example.org',
  GIT_COMMITTER_NAME: 'Auto-Dev',
  GIT_COMMITTER_EMAIL: 'autodev-bot@example.org',
};

function bundleWork(
  { folder, dir }: { folder: string; dir: string },
  files: Record<string, string>,
  base: string,
) {
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder, ...PERSON };
  const clone = mkdtempSync(path.join(folder, 'work-'));
  const run = (args: readonly string[]): Buffer =>
    execFileSync('git', ['-c', 'safe.directory=*', ...args], {
      cwd: clone,
      env,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  run(['clone', '--quiet', '--shared', dir, '.']);
  run(['checkout', '--quiet', '--detach', base]);
  const from = run(['rev-parse', 'HEAD']).toString().trim();
  for (const [file, content] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(clone, file)), { recursive: true });
    writeFileSync(path.join(clone, file), content);
  }
  run(['add', '-A']);
  run(['commit', '--quiet', '-m', 'Work']);
  run(['update-ref', 'refs/heads/work', 'HEAD']);
  const bytes = run(['bundle', 'create', '-', `^${from}`, 'refs/heads/work']);
  return {
    base: from,
    head: run(['rev-parse', 'HEAD']).toString().trim(),
    bundle: () => Readable.from([bytes]),
  };
}

/** A budget that never ends, and what was said to it. */
export function openBudget(): RequestBudget & { blocks: number[] } {
  const blocks: number[] = [];
  return {
    blocks,
    take: () => Promise.resolve(0),
    learn: () => Promise.resolve(),
    block(ms) {
      blocks.push(ms);
      return Promise.resolve();
    },
  };
}
