import type { FastifyInstance, InjectOptions } from 'fastify';
import { Registry } from 'prom-client';
import { onTestFinished } from 'vitest';

import type { Db } from '../../db/db.ts';
import type { Clock } from '../../kernel/clock.ts';
import { systemClock } from '../../kernel/clock.ts';
import { silentLog } from '../../kernel/log.ts';
import type { Access } from './access.ts';
import { createAccess } from './access.ts';
import type { Acts } from './acts.ts';
import type { ApiDeps, ReadyCheck } from './deps.ts';
import { createServer } from './server.ts';

export const TOKEN = 'a-token-of-this-test';
const unexpected = (): never => {
  throw new Error('this test expects no such act');
};

/** Acts that nobody may call; a test replaces those that it is about. */
const noActs: Acts = {
  castVote: unexpected,
  runJob: unexpected,
  retryJob: unexpected,
  replayJob: unexpected,
  releaseJob: unexpected,
  cancelJob: unexpected,
  grantBudget: unexpected,
  retrySetAside: unexpected,
  grantWindows: unexpected,
  pause: unexpected,
  resume: unexpected,
  liftControl: unexpected,
  drain: unexpected,
  resetBreaker: unexpected,
  addRepo: unexpected,
  addGroup: unexpected,
  removeRepo: unexpected,
  onboardRepo: unexpected,
  syncRepo: unexpected,
  planRepo: unexpected,
  explainPolicy: unexpected,
};

interface TestApi {
  app: FastifyInstance;
  access: Access;
  /** Takes real connections until the test is over; answers with the URL. */
  listen: () => Promise<string>;
  /** A request as the owner of the machine makes it: with Host and token. */
  call: (
    method: 'GET' | 'POST' | 'DELETE',
    url: string,
    options?: Pick<InjectOptions, 'payload' | 'headers'>,
  ) => Promise<{ status: number; body: unknown; text: string; headers: Record<string, unknown> }>;
}

/** The API on a real database, with acts that are plain functions. */
export function setupApi(
  db: Db,
  acts: Partial<Acts> = {},
  {
    ready,
    clock = systemClock,
  }: { ready?: () => Promise<readonly ReadyCheck[]>; clock?: Clock } = {},
): TestApi {
  let port = 8080;
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  const access = createAccess({
    db,
    clock: systemClock,
    token: TOKEN,
    operator: 'ada',
    address: () => ({ host: '127.0.0.1', port }),
  });
  const deps: ApiDeps = {
    db,
    acts: { ...noActs, ...acts },
    access,
    operator: 'ada',
    clock,
    log: silentLog,
    registry: new Registry(),
    stop: stop.signal,
    ...(ready === undefined ? {} : { ready }),
  };
  const app = createServer(deps);

  return {
    app,
    access,
    listen: async () => {
      const url = await app.listen({ host: '127.0.0.1', port: 0 });
      port = Number(new URL(url).port);
      onTestFinished(async () => {
        stop.abort();
        await app.close();
      });
      return url;
    },
    call: async (method, url, { payload, headers } = {}) => {
      const answer = await app.inject({
        method,
        url,
        headers: { host: '127.0.0.1:8080', authorization: `Bearer ${TOKEN}`, ...headers },
        ...(payload === undefined ? {} : { payload }),
      });
      const isJson = String(answer.headers['content-type']).includes('json');
      const body: unknown = isJson && answer.body !== '' ? parse(answer.body) : undefined;
      return { status: answer.statusCode, body, text: answer.body, headers: answer.headers };
    },
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // JSON lines
  }
}
