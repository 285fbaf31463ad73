import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { Gitlab as Client } from '@gitbeaker/rest';

import { startGitlab } from './gitlab-fixture.ts';
import type { GitlabOptions } from './gitlab.ts';
import type { MergeRequest } from './records.ts';

const execFileAsync = promisify(execFile);

/** A GitLab with one project, a bot and three people in it, and a client that is the bot. */
export async function shop(options: Partial<GitlabOptions> = {}) {
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
  const token = gitlab.token(bot).value;
  const api = new Client({ host: gitlab.url, oauthToken: token });

  return {
    gitlab,
    bot,
    alice,
    bob,
    guest,
    project,
    token,
    api,
    /** As the bot, without a client's wisdom in between. */
    ask: (path: string, init: Asking = {}) => ask(gitlab.url, token, path, init),
    askAs: (value: string, path: string, init: Asking = {}) => ask(gitlab.url, value, path, init),
    /** A merge request of the bot's with one commit on `autodev/fix`. */
    async opened(files: Record<string, string> = { 'src/add.ts': 'one\n' }): Promise<MergeRequest> {
      await gitlab.push(project, { branch: 'autodev/fix', by: bot, files });
      return gitlab.as(bot).openMergeRequest(project, { source: 'autodev/fix', title: 'Fix' });
    },
    [Symbol.asyncDispose]: () => gitlab[Symbol.asyncDispose](),
  };
}

interface Asking {
  method?: string;
  body?: string;
  headers?: Record<string, string>;
}

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

async function ask(url: string, token: string, path: string, init: Asking): Promise<Answered> {
  const response = await fetch(path.startsWith('http') ? path : `${url}/api/v4${path}`, {
    redirect: 'manual',
    ...init,
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      ...init.headers,
    },
  });
  const text = await response.text();
  const json = response.headers.get('content-type')?.includes('json') === true && text !== '';
  const body: unknown = json ? JSON.parse(text) : text;
  return { status: response.status, headers: response.headers, body };
}

/** Runs git as somebody with this token would, in a folder of its own. */
export async function gitClient(token: string) {
  const folder = await mkdtemp(join(tmpdir(), 'autodev-gitlab-client-'));
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_AUTHOR_NAME: 'Bot',
    GIT_AUTHOR_EMAIL: 'autodev-bot@example.org',
    GIT_COMMITTER_NAME: 'Bot',
    GIT_COMMITTER_EMAIL: 'autodev-bot@example.org',
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'http.extraHeader',
    GIT_CONFIG_VALUE_0: `Authorization: Basic ${Buffer.from(`oauth2:${token}`).toString('base64')}`,
  };
  return {
    folder,
    /** The trimmed output; rejects with what git printed. */
    async run(args: readonly string[], cwd = folder): Promise<string> {
      const { stdout } = await execFileAsync('git', [...args], { cwd, env });
      return stdout.trim();
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

export interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly payload: Record<string, unknown>;
}

/** Somebody whom hooks can tell. */
export async function hookReceiver(answer: () => number = () => 200) {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) {
      body += String(chunk);
    }
    received.push({ headers: request.headers, body, payload: JSON.parse(body) });
    response.writeHead(answer());
    response.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = address === null || typeof address === 'string' ? 0 : address.port;
  return {
    url: `http://127.0.0.1:${port}/webhook`,
    received,
    events: () => received.map(({ headers }) => String(headers['x-gitlab-event'])),
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** What a promise that must fail fails with. */
export async function refusal(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'It did not fail.',
    (error: unknown) => String(error),
  );
}

/** The newest of a list that must not be empty. */
export function newest<T>(items: readonly T[]): T {
  const item = items.at(-1);
  if (item === undefined) {
    throw new Error('There is none.');
  }
  return item;
}
