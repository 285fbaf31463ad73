import { isJsonObject } from '../../domain/canonical-json.ts';
import type { LlmApi } from './api.ts';

/** What an answer says of the credential that it was asked with. `until` in epoch milliseconds. */
export type CredentialSignal =
  | { readonly state: 'ok' | 'auth_error'; readonly detail: string }
  | {
      readonly state: 'throttled' | 'exhausted';
      readonly until: number;
      readonly detail: string;
    };

interface Answer {
  readonly api: LlmApi;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The parsed body of an error, or the error within a stream. */
  readonly error: unknown;
  /** Epoch milliseconds. */
  readonly now: number;
}

const THROTTLED_MS = 60_000;
const OVERLOADED_MS = 30_000;
/** Out of credit: only a person repairs it, but nobody tells us when; so it is tried again now and then. */
const OUT_OF_CREDIT_MS = 3_600_000;
/** No window of any provider is longer; what is beyond is a mistake. */
const LONGEST_MS = 8 * 24 * 3_600_000;

const OUT_OF_CREDIT = /insufficient_quota|billing|credit balance is too low/i;
const RATE_LIMITED = /rate_limit/i;
const OVERLOADED = /overloaded/i;

/**
 * Reads a limit, a refused key or a recovery from an answer's status, headers and structured error. Undefined: it says
 * nothing of the credential (a server error, a bad request, a model that the key may not use).
 */
export function credentialSignal(answer: Answer): CredentialSignal | undefined {
  const { status, now } = answer;
  const { kind, message } = describeError(answer.error);
  const limited = (state: 'throttled' | 'exhausted', until: number, detail: string) => ({
    state,
    until: Math.min(Math.max(until, now), now + LONGEST_MS),
    detail,
  });

  if (status === 401) {
    return { state: 'auth_error', detail: 'The provider refused the key (401).' };
  }
  if (OUT_OF_CREDIT.test(kind) || (status === 400 && OUT_OF_CREDIT.test(message))) {
    const until = now + OUT_OF_CREDIT_MS;
    return limited('exhausted', until, 'The account is out of credit or quota: raise it there.');
  }
  const windowEnd = usedUpUntil(answer);
  if (windowEnd !== undefined) {
    return limited('exhausted', windowEnd, "The account's usage limit is reached.");
  }
  if (status === 429 || RATE_LIMITED.test(kind)) {
    const until = retryAt(answer, message) ?? now + THROTTLED_MS;
    return limited('throttled', until, 'Too many calls for now.');
  }
  if (status === 529 || status === 503 || OVERLOADED.test(kind)) {
    const until = retryAt(answer, message) ?? now + OVERLOADED_MS;
    return limited('throttled', until, 'The provider is overloaded.');
  }
  return status >= 200 && status < 300 && kind === ''
    ? { state: 'ok', detail: 'A call succeeded.' }
    : undefined;
}

/** When a window of usage ends that is used up: with accounts of people, not with keys by the token. */
function usedUpUntil({ api, status, headers, error, now }: Answer): number | undefined {
  if (api === 'messages') {
    const isRejected = headers['anthropic-ratelimit-unified-status'] === 'rejected';
    return isRejected && status === 429
      ? (epoch(headers['anthropic-ratelimit-unified-reset']) ?? retryAt({ headers, now }, ''))
      : undefined;
  }
  const details = isJsonObject(error) ? innerError(error) : {};
  if (details['type'] !== 'usage_limit_reached') {
    return undefined;
  }
  const inBody = epoch(details['resets_at']) ?? after(details['resets_in_seconds'], now);
  const ends = ['primary', 'secondary'].flatMap((window) =>
    Number(headers[`x-codex-${window}-used-percent`]) >= 100
      ? (epoch(headers[`x-codex-${window}-reset-at`]) ?? [])
      : [],
  );
  return inBody ?? (ends.length === 0 ? now + OUT_OF_CREDIT_MS : Math.max(...ends));
}

/** When to come back: `Retry-After` first, then the limit that is used up, then the sentence in the error. */
function retryAt(
  { headers, now }: Pick<Answer, 'headers' | 'now'>,
  message: string,
): number | undefined {
  const header = headers['retry-after'];
  const atHeader = after(header, now) ?? (header === undefined ? Number.NaN : Date.parse(header));
  if (!Number.isNaN(atHeader)) {
    return atHeader;
  }
  const resets = Object.entries(headers).flatMap(([name, value]) => {
    const left = headers[name.replace(/reset/, 'remaining')];
    const isReset = /^(x-ratelimit-reset-|anthropic-ratelimit-(?!unified).+-reset$)/.test(name);
    return isReset && (left === undefined || Number(left) <= 0) ? (timeOf(value, now) ?? []) : [];
  });
  if (resets.length > 0) {
    return Math.max(...resets);
  }
  const said = /try again in ([\d.]+ ?(?:ms|s|m|h)[\dhms.]*)/i.exec(message)?.[1];
  return said === undefined ? undefined : timeOf(said.replaceAll(' ', ''), now);
}

/** A time (RFC 3339) or a span such as `7s`, `1m30s`, `120ms`. */
function timeOf(text: string, now: number): number | undefined {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)];
  if (parts.length > 0 && parts.map(([part]) => part).join('') === text.replace(/\.$/, '')) {
    const unitMs = new Map([
      ['ms', 1],
      ['s', 1_000],
      ['m', 60_000],
      ['h', 3_600_000],
      ['d', 86_400_000],
    ]);
    return parts.reduce((at, [, n, unit]) => at + Number(n) * (unitMs.get(unit ?? '') ?? 0), now);
  }
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : at;
}

function epoch(value: unknown): number | undefined {
  const seconds = typeof value === 'string' && value !== '' ? Number(value) : value;
  return typeof seconds === 'number' && seconds > 0 ? seconds * 1_000 : undefined;
}

function after(value: unknown, now: number): number | undefined {
  const seconds = typeof value === 'string' && value !== '' ? Number(value) : value;
  return typeof seconds === 'number' && seconds >= 0 ? now + seconds * 1_000 : undefined;
}

/** The name of an error and its sentence, in the form of either API. */
function describeError(error: unknown): { kind: string; message: string } {
  if (!isJsonObject(error)) {
    return { kind: '', message: '' };
  }
  const { code, type, message } = innerError(error);
  const names = [code, type].filter((name) => typeof name === 'string');
  return {
    kind: names[0] === undefined ? 'unnamed' : names.join(' '),
    message: typeof message === 'string' ? message : '',
  };
}

/** Errors come as `{"error": {…}}`, within a response as `{…}`. */
function innerError(error: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return isJsonObject(error['error']) ? error['error'] : error;
}
