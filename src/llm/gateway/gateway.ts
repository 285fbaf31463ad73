import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

import { Pool } from 'undici';

import type { CredentialNews } from '../../db/credentials.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';
import { NO_TOKENS, type PricedProvider, type PriceTable } from '../prices.ts';
import { createAccount } from './account.ts';
import { apiOf, type LlmApi, PROVIDER_OF, UPSTREAM_PATH } from './api.ts';
import type { AttachedAttempt, AttemptUsage } from './attempt.ts';
import { createCredentialWatch } from './credential-watch.ts';
import { send } from './forward.ts';
import { createInputEstimator } from './input-estimate.ts';
import { errorBody, isRetryable, Refusal } from './refusal.ts';
import { type CallDeps, type Served, serveCall } from './serve-call.ts';
import { createUsageLog, type StoreUsage } from './usage-log.ts';

export interface GatewayDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** Asked at each call: the policy may change while an attempt runs. */
  readonly prices: () => PriceTable;
  readonly storeUsage: StoreUsage;
  /** A credential's state changed, as far as this process can tell; to be written for all runners. */
  readonly onCredential: (news: CredentialNews) => void;
}

export interface GatewayOptions {
  /** A unix socket to bind into boxes, or a port of the loopback (0: any) where there is no box. */
  readonly listen: { readonly socketPath: string } | { readonly port: number };
  /** `OPENAI_BASE_URL` (with the version) and `ANTHROPIC_BASE_URL` (without). */
  readonly baseUrls: Readonly<Record<PricedProvider, string>>;
  /** A provider that sends nothing for so long is gone. */
  readonly silenceMs?: number;
  readonly maxBodyBytes?: number;
}

export interface AttemptHandle {
  usage(): AttemptUsage;
  /**
   * Ends its calls, forgets its token and books what it used. Safe to repeat. When the books cannot be written the
   * answer is still right, and they are written later.
   */
  detach(): Promise<AttemptUsage>;
}

export interface Gateway {
  /** Where it listens: the socket's path, or `http://127.0.0.1:PORT`. */
  readonly address: string;
  /** Throws CONFLICT when the token is in use. */
  attach(attempt: AttachedAttempt): AttemptHandle;
  /** Detaches all, books what is left, ends. Rejects when the books could not be written. */
  close(): Promise<void>;
}

export const DEFAULT_BASE_URLS: Readonly<Record<PricedProvider, string>> = {
  codex: 'https://api.openai.com/v1',
  claude: 'https://api.anthropic.com',
};

const SILENCE_MS = 300_000;
const MAX_BODY_BYTES = 32 * 2 ** 20;
const CONNECT_MS = 10_000;
/** Workers keep connections open between calls; closing one just as it is used again looks like a failure. */
const KEEP_ALIVE_MS = 120_000;
const RECEIVE_MS = 60_000;
const MAX_CONNECTIONS = 2_048;

/** A token for one attempt: nobody guesses it, and it is worth nothing elsewhere. */
export function createAttemptToken(): string {
  return `adt_${randomBytes(32).toString('base64url')}`;
}

/**
 * The only way from workers to a model: it knows the real keys and the workers do not, lets through what
 * is allowed, and keeps every attempt within what it was granted. One serves all attempts of a process.
 */
export async function startGateway(deps: GatewayDeps, options: GatewayOptions): Promise<Gateway> {
  const byToken = new Map<string, Served>();
  const usageLog = createUsageLog({ ...deps, store: deps.storeUsage });
  const upstreams = {
    responses: openUpstream('responses', options.baseUrls.codex),
    messages: openUpstream('messages', options.baseUrls.claude),
  };
  const callDeps: CallDeps = {
    clock: deps.clock,
    prices: deps.prices,
    usageLog,
    upstream: (api) => upstreams[api],
    silenceMs: options.silenceMs ?? SILENCE_MS,
    maxBodyBytes: options.maxBodyBytes ?? MAX_BODY_BYTES,
    onSignal: createCredentialWatch(deps.onCredential),
  };

  const server = createServer(
    { requestTimeout: RECEIVE_MS, headersTimeout: 10_000, keepAliveTimeout: KEEP_ALIVE_MS },
    (incoming, response) => void answer({ byToken, callDeps, log: deps.log }, incoming, response),
  );
  server.maxConnections = MAX_CONNECTIONS;
  const address = await listen(server, options.listen);

  const detach = async (served: Served): Promise<AttemptUsage> => {
    byToken.delete(served.attempt.token);
    served.stop.abort(new Refusal(403, 'this attempt has ended'));
    await Promise.all(served.running);
    await usageLog.flush().catch((error: unknown) => {
      deps.log.error({ err: error }, 'usage could not be booked and waits');
    });
    return usageOf(served);
  };

  return {
    address,
    attach(attempt) {
      if (byToken.has(attempt.token)) {
        throw new AppError('CONFLICT', 'the token is in use by another attempt');
      }
      const { grant, limits, onEvent: emit } = attempt;
      const served: Served = {
        attempt,
        account: createAccount(deps, { grant, limits, emit }),
        estimator: createInputEstimator(),
        stop: new AbortController(),
        running: new Set(),
        tokens: NO_TOKENS,
        exact: true,
        heldBytes: 0,
        sequence: 0,
        series: randomBytes(4).toString('hex'),
      };
      byToken.set(attempt.token, served);
      return { usage: () => usageOf(served), detach: () => detach(served) };
    },
    async close() {
      await Promise.all([...byToken.values()].map(detach));
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
      await Promise.all(
        [upstreams.responses.dispatcher, upstreams.messages.dispatcher].map((pool) =>
          pool.destroy(),
        ),
      );
      if ('socketPath' in options.listen) {
        await rm(options.listen.socketPath, { force: true });
      }
      await usageLog.close();
    },
  };
}

function usageOf({ account, tokens, exact }: Served): AttemptUsage {
  return { tokens, exact, spent: account.spent, held: account.held, calls: account.calls };
}

async function answer(
  {
    byToken,
    callDeps,
    log,
  }: { byToken: ReadonlyMap<string, Served>; callDeps: CallDeps; log: Log },
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const api = apiOf(incoming.url);
  const served = byToken.get(tokenOf(incoming));
  const { promise, resolve } = Promise.withResolvers<void>();
  served?.running.add(promise);
  try {
    if (served === undefined) {
      throw new Refusal(403, 'this token belongs to no running attempt');
    }
    if (api === undefined || incoming.method !== 'POST') {
      const asked = `${incoming.method} ${incoming.url?.split('?')[0]?.slice(0, 80)}`;
      throw new Refusal(
        404,
        `${asked} is not offered; there are POST /v1/responses and /v1/messages`,
      );
    }
    await serveCall(callDeps, served, { api, incoming, response });
  } catch (error) {
    const isExpected = error instanceof Refusal;
    if (!isExpected && !response.destroyed && !incoming.destroyed) {
      log.error({ err: error }, 'gateway failed on a call');
    }
    const refusal = isExpected ? error : new Refusal(502, 'the gateway failed on this call');
    refuseCall({ api, incoming, response }, refusal);
    if (isExpected) {
      served?.attempt.onEvent({ type: 'refused', status: refusal.status, detail: refusal.message });
    }
  } finally {
    served?.running.delete(promise);
    resolve();
  }
}

function refuseCall(
  {
    api,
    incoming,
    response,
  }: { api: LlmApi | undefined; incoming: IncomingMessage; response: ServerResponse },
  { status, message }: Refusal,
): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  send(response, status, {
    body: errorBody(api, status, message),
    headers: {
      ...(!isRetryable(status) && { 'x-should-retry': 'false' }),
      // What was not read of the body must not be taken for the next request.
      ...(!incoming.complete && { connection: 'close' }),
    },
  });
}

/** OpenAI's clients send a bearer token, Anthropic's a key. */
function tokenOf({ headers }: IncomingMessage): string {
  const key = headers['x-api-key'];
  return typeof key === 'string' ? key : (headers.authorization ?? '').replace(/^Bearer /i, '');
}

function openUpstream(api: LlmApi, baseUrl: string): { dispatcher: Pool; path: string } {
  if (!URL.canParse(baseUrl)) {
    throw new AppError('SETTINGS_INVALID', `the base URL of ${PROVIDER_OF[api]} is not a URL`, {
      remedy: 'Correct OPENAI_BASE_URL or ANTHROPIC_BASE_URL, or unset it.',
    });
  }
  const { origin, pathname } = new URL(baseUrl);
  return {
    dispatcher: new Pool(origin, { connect: { timeout: CONNECT_MS } }),
    path: `${pathname.replace(/\/+$/, '')}${UPSTREAM_PATH[api]}`,
  };
}

async function listen(
  server: ReturnType<typeof createServer>,
  to: GatewayOptions['listen'],
): Promise<string> {
  if ('port' in to) {
    server.listen(to.port, '127.0.0.1');
    await once(server, 'listening');
    const bound = server.address();
    return `http://127.0.0.1:${typeof bound === 'object' && bound !== null ? bound.port : to.port}`;
  }
  await rm(to.socketPath, { force: true });
  server.listen(to.socketPath);
  await once(server, 'listening');
  // Workers have other uids; who may come near is settled by what is bound into the box, and the token.
  await chmod(to.socketPath, 0o666);
  return to.socketPath;
}
