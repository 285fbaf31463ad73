import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import { answerError, badAnswer, connectionError, type RequestName } from './answer-errors.ts';
import { readBody } from './read-body.ts';
import type { RequestBudget } from './request-budget.ts';
import type { TokenSource } from './token.ts';

export interface SendDeps {
  clock: Clock;
  token: TokenSource;
  budget: RequestBudget;
  limits?: Partial<SendLimits>;
}

interface SendLimits {
  /** One try, from the connection to the last byte of the answer. */
  readonly tryMs: number;
  /** All tries of one request with the waits between them. */
  readonly totalMs: number;
  /** A larger answer is TOO_LARGE. */
  readonly maxBytes: number;
  /** The first wait between two tries; doubles. */
  readonly backoffMs: number;
}

export interface ForgeRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: URL;
  /** JSON. */
  readonly body?: string | undefined;
  /** Doing it twice does it once. What is not is never sent again unless the answer proves that it was not taken. */
  readonly repeatable: boolean;
  readonly expects: 'json' | 'bytes';
}

interface ForgeAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Parsed JSON, a Buffer, or null when there is nothing. */
  readonly body: unknown;
}

/**
 * Sends one request to GitLab. Throws FORGE_* errors, TOO_LARGE, and UNAVAILABLE when `signal` aborts; none of them
 * holds the token.
 */
export type Send = (request: ForgeRequest, signal: AbortSignal) => Promise<ForgeAnswer>;

const LIMITS: SendLimits = {
  tryMs: 30_000,
  totalMs: 90_000,
  maxBytes: 32 * 1024 * 1024,
  backoffMs: 250,
};
const LONGEST_BACKOFF_MS = 10_000;
/** Refused without a word about when to come back. */
const SILENT_BLOCK_MS = 2_000;

export function createSend(deps: SendDeps): Send {
  const { clock, token, budget } = deps;
  const limits = { ...LIMITS, ...deps.limits };

  return async (request, signal) => {
    const name = { method: request.method, path: request.url.pathname };
    const endsAt = clock.now().getTime() + limits.totalMs;
    const wait = async (ms: number, otherwise: () => AppError): Promise<void> => {
      if (clock.now().getTime() + ms > endsAt) {
        throw otherwise();
      }
      await clock.sleep(ms, signal);
      if (signal.aborted) {
        throw stopped(name);
      }
    };
    for (let tries = 1; ; tries += 1) {
      await passBudget(budget, name, wait);
      const used = await token.current();
      const outcome = await attempt({ clock, token, limits }, request, used, signal);
      if ('answer' in outcome) {
        await learn(budget, outcome.answer.headers, clock);
        return outcome.answer;
      }
      const { error, again, headers } = outcome;
      if (signal.aborted) {
        throw stopped(name);
      }
      if (error.code === 'FORGE_RATE_LIMITED') {
        const ms = retryAfterMs(headers, clock) ?? SILENT_BLOCK_MS * 2 ** (tries - 1);
        await budget.block(ms);
        await wait(ms, () => rateLimited(name, ms));
        continue;
      }
      // Rotated while the request was on its way.
      const rotated = error.code === 'FORGE_UNAUTHORIZED' && (await token.current()) !== used;
      if (!again && !rotated) {
        throw error;
      }
      const ms = rotated ? 0 : (retryAfterMs(headers, clock) ?? backoff(limits.backoffMs, tries));
      await wait(ms, () => error);
    }
  };
}

type Outcome =
  | { readonly answer: ForgeAnswer }
  | {
      readonly error: AppError;
      /** Sending it again harms nobody and may help. */
      readonly again: boolean;
      readonly headers: Readonly<Record<string, string>>;
    };

async function attempt(
  { clock, token, limits }: Pick<SendDeps, 'clock' | 'token'> & { limits: SendLimits },
  { method, url, body, repeatable, expects }: ForgeRequest,
  used: string,
  signal: AbortSignal,
): Promise<Outcome> {
  const name: RequestName = { method, path: url.pathname };
  using limit = timeLimit(clock, limits.tryMs);
  let headers: Record<string, string> = {};
  const failed = (error: AppError, again: boolean): Outcome => ({ error, again, headers });
  try {
    const response = await fetch(url, {
      method,
      headers: {
        authorization: `Bearer ${used}`,
        accept: expects === 'json' ? 'application/json' : '*/*',
        'user-agent': 'auto-dev',
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      body: body ?? null,
      // A redirect would carry the token to wherever it points.
      redirect: 'manual',
      signal: AbortSignal.any([signal, limit.signal]),
    });
    headers = Object.fromEntries(response.headers);
    const { status } = response;
    const bytes = await readBody(response, limits.maxBytes);
    if (bytes === undefined) {
      const message = `GitLab's answer to ${method} ${name.path} has more than ${limits.maxBytes} bytes.`;
      return failed(new AppError('TOO_LARGE', message), false);
    }
    if (!response.ok) {
      const text = token.redact(bytes.toString());
      const error = answerError(name, { status, text, repeatable, location: headers['location'] });
      return failed(error, error.code === 'FORGE_UNREACHABLE');
    }
    if (expects === 'bytes' || bytes.length === 0) {
      return { answer: { status, headers, body: bytes.length === 0 ? null : bytes } };
    }
    return { answer: { status, headers, body: parse(headers, bytes) } };
  } catch (error) {
    if (error instanceof SyntaxError) {
      return failed(badAnswer(name, error.message, { repeatable }), repeatable);
    }
    const code = limit.signal.aborted ? `${limits.tryMs / 1000} s are over` : codeOf(error);
    // Without headers the connection itself may not have come about.
    const sent = !NEVER_SENT.test(code);
    const failure = connectionError(name, { host: url.host, code, repeatable, sent });
    return failed(failure, (repeatable || !sent) && !HOPELESS.test(code));
  }
}

const NEVER_SENT =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|.*(CERT|SIGNED|SIGNATURE).*)$/;
const HOPELESS = /CERT|SIGNED|SIGNATURE|ENOTFOUND/;

/** Throws a SyntaxError that says what came instead; never the content, which may be anybody's. */
function parse(headers: Readonly<Record<string, string>>, bytes: Buffer): unknown {
  const type = headers['content-type'] ?? '';
  if (!type.includes('json')) {
    const what = type.includes('html') ? 'a web page' : `of the type ${type || 'unknown'}`;
    throw new SyntaxError(`${what}, not JSON`);
  }
  try {
    return JSON.parse(bytes.toString());
  } catch {
    throw new SyntaxError('broken JSON');
  }
}

/** Waits until the budget that all processes share has room for one more. */
async function passBudget(
  budget: RequestBudget,
  name: RequestName,
  wait: (ms: number, otherwise: () => AppError) => Promise<void>,
): Promise<void> {
  for (let ms = await budget.take(); ms > 0; ms = await budget.take()) {
    await wait(ms, () => rateLimited(name, ms));
  }
}

async function learn(
  budget: RequestBudget,
  headers: Readonly<Record<string, string>>,
  clock: Clock,
): Promise<void> {
  const limit = Number(headers['ratelimit-limit'] ?? Number.NaN);
  const remaining = Number(headers['ratelimit-remaining'] ?? Number.NaN);
  const resetMs = resetInMs(headers, clock);
  if (limit > 0 && remaining >= 0 && resetMs !== undefined) {
    await budget.learn({ limit, remaining, resetMs });
  }
}

/** As the header says, in seconds or as a date; else when the window ends; undefined when nothing is said. */
function retryAfterMs(headers: Readonly<Record<string, string>>, clock: Clock): number | undefined {
  const after = headers['retry-after'];
  if (after !== undefined && /^\d+$/.test(after)) {
    return Number(after) * 1000;
  }
  const until = after === undefined ? Number.NaN : Date.parse(after) - serverTime(headers, clock);
  return Number.isNaN(until) ? resetInMs(headers, clock) : Math.max(until, 0);
}

const HOUR_MS = 3_600_000;

/** Undefined for what cannot be true: clocks differ, and some proxies write milliseconds. */
function resetInMs(headers: Readonly<Record<string, string>>, clock: Clock): number | undefined {
  const at = Number(headers['ratelimit-reset'] ?? Number.NaN) * 1000;
  const ms = at - serverTime(headers, clock);
  return ms > 0 && ms <= HOUR_MS ? ms : undefined;
}

function serverTime(headers: Readonly<Record<string, string>>, clock: Clock): number {
  const said = Date.parse(headers['date'] ?? '');
  return Number.isNaN(said) ? clock.now().getTime() : said;
}

function backoff(firstMs: number, tries: number): number {
  const base = Math.min(firstMs * 2 ** (tries - 1), LONGEST_BACKOFF_MS);
  // Those that failed together must not come back together.
  return Math.round(base * (0.5 + Math.random()));
}

function rateLimited({ method, path }: RequestName, ms: number): AppError {
  return new AppError(
    'FORGE_RATE_LIMITED',
    `GitLab takes no more requests for ${Math.ceil(ms / 1000)} s (${method} ${path}).`,
    {
      remedy:
        'It is tried again by itself. Where it happens often, raise the limit for our account.',
      details: { retryAfterMs: ms },
    },
  );
}

function stopped({ method, path }: RequestName): AppError {
  return new AppError('UNAVAILABLE', `${method} ${path} was stopped before it was answered.`);
}

function timeLimit(clock: Clock, ms: number) {
  const over = new AbortController();
  const done = new AbortController();
  const watch = async (): Promise<void> => {
    await clock.sleep(ms, done.signal);
    if (!done.signal.aborted) {
      over.abort();
    }
  };
  void watch();
  return { signal: over.signal, [Symbol.dispose]: () => done.abort() };
}

/** The system's word for what broke. The error itself is not kept: it may refer to the request. */
function codeOf(error: unknown): string {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('code' in at && typeof at.code === 'string') {
      return at.code;
    }
  }
  return 'connection broken';
}
