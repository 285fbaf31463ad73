import { startGitlab } from '../../../test/gitlab/gitlab-fixture.ts';
import type { GitlabOptions } from '../../../test/gitlab/gitlab.ts';
import { systemClock } from '../../kernel/clock.ts';
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
  return {
    gitlab,
    bot,
    alice,
    bob,
    guest,
    project,
    secret,
    repo: {
      id: 1,
      forge: 'gitlab',
      path: project.path,
      location: String(project.id),
      branch: 'main',
    } as const,
    client: createGitlabClient({
      url: gitlab.url,
      token: createTokenSource({ value: secret }),
      budget: openBudget(),
      clock: systemClock,
      limits: { backoffMs: 5, tryMs: 20_000 },
      ...client,
    }),
    [Symbol.asyncDispose]: () => gitlab[Symbol.asyncDispose](),
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
