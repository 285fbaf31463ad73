import { createHmac, randomUUID } from 'node:crypto';

import type { FastifyInstance, LightMyRequestResponse } from 'fastify';
import Fastify from 'fastify';
import { Registry } from 'prom-client';

import type { Db, Queryable } from '../db/db.ts';
import { addRepo } from '../db/repos.ts';
import { sql } from '../db/sql.ts';
import type { Clock } from '../kernel/clock.ts';
import { systemClock } from '../kernel/clock.ts';
import type { Log } from '../kernel/log.ts';
import { silentLog } from '../kernel/log.ts';
import type { HookSecrets } from './guard.ts';
import { createGuard } from './guard.ts';
import { createIntake } from './intake.ts';
import type { Tally } from './tally.ts';
import { createTally } from './tally.ts';
import { webhook } from './webhook.ts';

export const SIGNING_KEY = Buffer.from('0123456789abcdef0123456789abcdef');
export const SIGNING_TOKEN = `whsec_${SIGNING_KEY.toString('base64')}`;

interface Sending {
  headers?: Record<string, string>;
  /** What the signature says; default: that of the key, the id and the time. */
  signature?: string;
  id?: string;
  at?: Date;
  key?: Buffer;
}

export interface WebhookFixture extends AsyncDisposable {
  readonly app: FastifyInstance;
  readonly registry: Registry;
  readonly tally: Tally;
  /** A registered repository of GitLab's project with this id. */
  repo(project: number, branch?: string): Promise<number>;
  /** Sends a signed delivery; a text or Buffer goes as it is. */
  send(body: unknown, options?: Sending): Promise<LightMyRequestResponse>;
  /** The subjects of the hints that wait, by the order of their arrival. */
  hints(repoId: number): Promise<string[]>;
  /** How often each outcome was counted. */
  counts(): Promise<Record<string, number>>;
}

/** The plugin on a real database. */
export async function webhookFixture(
  db: Db,
  {
    clock = systemClock,
    secrets = () => ({ signingToken: SIGNING_TOKEN }),
    through = db,
    log = silentLog,
    limits = {},
  }: {
    clock?: Clock;
    secrets?: () => HookSecrets;
    /** What the plugin writes through, where that is not `db` itself. */
    through?: Queryable;
    log?: Log;
    limits?: Parameters<typeof createIntake>[1];
  } = {},
): Promise<WebhookFixture> {
  await db.query(sql`truncate repo, hook_delivery, forge_hint, hook_tally, event cascade`);
  const registry = new Registry();
  const intake = createIntake({ db: through, clock }, limits);
  const tally = createTally({ db, clock, log, registry }, intake.waiting);
  const app = Fastify();
  app.register(webhook, { guard: createGuard({ clock }, secrets), intake, tally, log });
  await app.ready();

  return {
    app,
    registry,
    tally,
    repo: async (project, branch = 'main') => {
      const { id } = await db.transaction((tx) =>
        addRepo(tx, {
          path: `group/app-${project}`,
          forge: 'gitlab',
          location: String(project),
          branch,
        }),
      );
      return id;
    },
    send: (body, options = {}) => {
      const payload =
        typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
      const { id = randomUUID(), at = clock.now(), key = SIGNING_KEY } = options;
      const time = String(Math.floor(at.getTime() / 1000));
      const mac = createHmac('sha256', key)
        .update(`${id}.${time}.`)
        .update(payload)
        .digest('base64');
      return app.inject({
        method: 'POST',
        url: '/webhook',
        payload,
        headers: {
          'content-type': 'application/json',
          'webhook-id': id,
          'webhook-timestamp': time,
          'webhook-signature': options.signature ?? `v1,${mac}`,
          ...options.headers,
        },
      });
    },
    hints: async (repoId) => {
      const rows = await db.query<{ subject: string }>(
        sql`select subject from forge_hint where repo_id = ${repoId} order by id`,
      );
      return rows.map(({ subject }) => subject);
    },
    counts: async () => {
      await tally.flush();
      const rows = await db.query<{ outcome: string; total: number }>(
        sql`select outcome, sum(total)::int as total from hook_tally group by 1`,
      );
      return Object.fromEntries(rows.map(({ outcome, total }) => [outcome, total]));
    },
    [Symbol.asyncDispose]: async () => {
      await app.close();
    },
  };
}

const SHA = 'da1560886d4f094c3e6c9ef40349f7d38b5d27d7';

/** Payloads as GitLab sends them, as far as anybody reads them, and with something that nobody knows. */
export const payloads = {
  push: ({ project = 15, ref = 'refs/heads/main', after = SHA } = {}) => ({
    object_kind: 'push',
    event_name: 'push',
    after,
    ref,
    project_id: project,
    project: { id: project, default_branch: 'main', not_yet_invented: { a: [1] } },
    user_username: 'jsmith',
    commits: [],
  }),
  issue: ({ project = 15, iid = 23, action = 'open' } = {}) => ({
    object_kind: 'issue',
    event_type: 'issue',
    user: { id: 1, username: 'root' },
    project: { id: project },
    object_attributes: { id: 301, iid, action, title: 'New API', confidential: false },
    changes: { labels: { previous: [], current: [{ title: 'autodev' }] } },
  }),
  note: ({
    project = 15,
    iid = 17,
    id = 1241,
    on = 'Issue',
    system = false,
    action = 'create',
  } = {}) => ({
    object_kind: 'note',
    event_type: 'note',
    project_id: project,
    project: { id: project },
    object_attributes: {
      id,
      note: '/autodev approve',
      noteable_type: on,
      system,
      action,
    },
    ...(on === 'Issue' ? { issue: { iid } } : { merge_request: { iid } }),
  }),
  mergeRequest: ({ project = 15, iid = 16, action = 'open' } = {}) => ({
    object_kind: 'merge_request',
    event_type: 'merge_request',
    project: { id: project },
    object_attributes: { id: 93, iid, action, state: 'opened' },
  }),
  pipeline: ({ project = 15, id = 31, status = 'failed' } = {}) => ({
    object_kind: 'pipeline',
    project: { id: project },
    object_attributes: { id, status, ref: 'main' },
  }),
};
