import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

import type { FastifyError, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';

import type { HookOutcome } from '../db/hook-tally.ts';
import { hintKey } from '../domain/hint.ts';
import { AppError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import type { Guard } from './guard.ts';
import type { Intake } from './intake.ts';
import { isWithinJsonLimits } from './json-limits.ts';
import type { ReadHook } from './read-hook.ts';
import { readHook } from './read-hook.ts';
import type { Tally } from './tally.ts';

export interface WebhookDeps {
  readonly guard: Guard;
  readonly intake: Intake;
  readonly tally: Tally;
  readonly log: Log;
}

/** GitLab itself sends up to 25 MB; what we read of an event is in the first few kilobytes. */
export const MOST_HOOK_BYTES = 5 * 1024 * 1024;
/** All bodies that are being read at one time. */
const MOST_BYTES_AT_ONCE = 64 * 1024 * 1024;
const COME_BACK_IN_S = 5;

const STATUS = {
  no_signature: 401,
  bad_signature: 401,
  stale: 401,
  no_token: 401,
  bad_token: 401,
  too_large: 413,
  too_deep: 400,
  bad_json: 400,
  bad_media_type: 415,
  overloaded: 429,
  database_away: 503,
  failed: 500,
} as const satisfies Partial<Record<HookOutcome, number>>;

type Refusal = keyof typeof STATUS;

/**
 * `POST /webhook`: GitLab's events in. A delivery is judged by its headers, then read, then judged by its body, and
 * answered with 200 once what follows from it is committed. What interests nobody is answered with 200 as well: GitLab
 * stops calling a hook that fails. Nothing that a body says is believed but which thing it is about.
 *
 * Register it before what guards people's pages: those ask for a Host and an origin that GitLab does not have.
 */
export const webhook: FastifyPluginAsync<WebhookDeps> = async (app, deps) => {
  const { guard, intake, tally } = deps;
  let bytesAtOnce = 0;
  const held = new WeakMap<FastifyRequest, number>();
  const refuse = (reply: FastifyReply, refusal: Refusal): FastifyReply => {
    tally.count(refusal);
    return answer(reply, refusal);
  };

  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer', bodyLimit: MOST_HOOK_BYTES },
    (_request, body, done) => done(null, body),
  );
  app.setErrorHandler((error: FastifyError, request, reply) =>
    refuse(reply, refusalOf(error, request, deps)),
  );

  app.addHook('onRequest', async (request, reply) => {
    const refusal = guard.judgeHead(request.headers);
    if (refusal !== undefined) {
      return refuse(reply, refusal);
    }
    // A body of unknown length may become the longest.
    const bytes = Number(request.headers['content-length'] ?? MOST_HOOK_BYTES);
    if (bytesAtOnce + bytes > MOST_BYTES_AT_ONCE) {
      return refuse(reply, bytes > MOST_HOOK_BYTES ? 'too_large' : 'overloaded');
    }
    bytesAtOnce += bytes;
    held.set(request, bytes);
    return undefined;
  });
  const letGo = (request: FastifyRequest): void => {
    bytesAtOnce -= held.get(request) ?? 0;
    held.delete(request);
  };
  app.addHook('onResponse', async (request) => letGo(request));
  app.addHook('onRequestAbort', async (request) => letGo(request));

  app.post('/webhook', async (request, reply) => {
    const started = reply.elapsedTime;
    const { headers, body } = request;
    const read = judge(deps, headers, body);
    if (typeof read === 'string') {
      return refuse(reply, read);
    }
    if (read.outcome !== 'interesting') {
      tally.count(read.outcome);
      return reply.code(200).send();
    }
    const { repoId, isNew } = await intake.add({
      project: read.project,
      key: deliveryKey(headers, body),
      subject: read.subject && hintKey(read.subject),
      ref: read.push?.ref,
      head: read.push?.head,
    });
    tally.count(repoId === undefined ? 'unknown_project' : isNew ? 'stored' : 'duplicate', repoId);
    tally.observe((reply.elapsedTime - started) / 1000);
    return reply.code(200).send();
  });
};

/** What a delivery is about, or why it is refused. */
function judge(
  { guard }: WebhookDeps,
  headers: IncomingHttpHeaders,
  body: unknown,
): ReadHook | Refusal {
  if (!Buffer.isBuffer(body)) {
    return 'bad_json';
  }
  const refusal = guard.judgeBody(headers, body);
  if (refusal !== undefined) {
    return refusal;
  }
  if (!isWithinJsonLimits(body)) {
    return 'too_deep';
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString('utf8'));
  } catch {
    return 'bad_json';
  }
  const read = readHook(parsed);
  return read.project === undefined || guard.covers(headers, read.project) ? read : 'bad_token';
}

/** GitLab's ids of a delivery: the same for each attempt of it. Older servers send none; then the body is its own. */
function deliveryKey(headers: IncomingHttpHeaders, body: unknown): string {
  const given = [headers['webhook-id'], headers['idempotency-key']].find(
    (id) => typeof id === 'string' && /^[\w.:-]{8,128}$/.test(id),
  );
  if (typeof given === 'string') {
    return given;
  }
  const hash = createHash('sha256').update(String(headers['x-gitlab-event'] ?? ''));
  return `sha256:${hash
    .update('\0')
    .update(Buffer.isBuffer(body) ? body : '')
    .digest('base64url')}`;
}

function refusalOf(
  error: FastifyError | AppError,
  request: FastifyRequest,
  { log }: WebhookDeps,
): Refusal {
  if (error instanceof AppError && error.retryable) {
    log.warn({ err: error }, 'delivery not stored');
    return error.code === 'BUSY' ? 'overloaded' : 'database_away';
  }
  const status = error instanceof AppError ? undefined : error.statusCode;
  if (status === undefined || status >= 500) {
    log.error({ err: error, event: request.headers['x-gitlab-event'] }, 'delivery not handled');
    return 'failed';
  }
  return status === 413 ? 'too_large' : status === 415 ? 'bad_media_type' : 'bad_json';
}

function answer(reply: FastifyReply, refusal: Refusal): FastifyReply {
  const status = STATUS[refusal];
  if (status === 429 || status === 503) {
    reply.header('retry-after', COME_BACK_IN_S);
  }
  // One word, for the log that GitLab keeps of its hooks.
  return reply.code(status).type('text/plain; charset=utf-8').send(`${refusal}\n`);
}
