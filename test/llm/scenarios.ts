import type { Reply } from './replies.ts';
import type { StandInApi } from './reply-events.ts';

/** What was seen of providers when they fail, by name; times count from `now` (epoch milliseconds). */
export function failureReply(name: FailureName, api: StandInApi, now: number): Reply {
  return FAILURES[name](api, now);
}

export type FailureName = keyof typeof FAILURES;

const rejected = (
  status: number,
  code: string,
  { message, headers }: { message?: string; headers?: Record<string, string> } = {},
): Reply => ({
  kind: 'error',
  status,
  code,
  ...(message !== undefined && { message }),
  ...(headers && { headers }),
});

const FAILURES = {
  'rate limit': (api) =>
    rejected(429, api === 'responses' ? 'rate_limit_exceeded' : 'rate_limit_error', {
      message: 'Rate limit reached. Please try again in 2.4s.',
      headers: { 'retry-after': '7' },
    }),
  'rate limit without header': (api) =>
    rejected(429, api === 'responses' ? 'rate_limit_exceeded' : 'rate_limit_error', {
      message: 'Rate limit reached. Please try again in 2.4s.',
    }),
  'usage limit': (api, now) => {
    const reset = String(Math.floor(now / 1_000) + 5_400);
    return api === 'responses'
      ? {
          kind: 'error',
          status: 429,
          code: 'usage_limit_reached',
          body: {
            error: {
              type: 'usage_limit_reached',
              message: 'The usage limit is reached',
              resets_at: Number(reset),
            },
          },
          headers: { 'x-codex-primary-used-percent': '100', 'x-codex-primary-reset-at': reset },
        }
      : rejected(429, 'rate_limit_error', {
          headers: {
            'retry-after': '5400',
            'x-should-retry': 'false',
            'anthropic-ratelimit-unified-status': 'rejected',
            'anthropic-ratelimit-unified-reset': reset,
          },
        });
  },
  'out of credit': (api) =>
    api === 'responses'
      ? rejected(429, 'insufficient_quota')
      : rejected(400, 'invalid_request_error', { message: 'Your credit balance is too low.' }),
  'refused key': (api) =>
    rejected(401, api === 'responses' ? 'invalid_api_key' : 'authentication_error'),
  forbidden: (api) => rejected(403, api === 'responses' ? 'model_not_found' : 'permission_error'),
  'unknown model': (api) =>
    rejected(404, api === 'responses' ? 'model_not_found' : 'not_found_error'),
  'server error': (api) => rejected(500, api === 'responses' ? 'server_error' : 'api_error'),
  overloaded: (api) =>
    api === 'responses'
      ? rejected(503, 'server_is_overloaded', { headers: { 'retry-after': '3' } })
      : rejected(529, 'overloaded_error'),
  'overloaded in the stream': (api) => ({
    kind: 'failed',
    code: api === 'responses' ? 'server_is_overloaded' : 'overloaded_error',
  }),
  'rate limit in the stream': (api) => ({
    kind: 'failed',
    code: api === 'responses' ? 'rate_limit_exceeded' : 'rate_limit_error',
  }),
  'cut stream': () => ({ kind: 'cut' }),
  malformed: () => ({ kind: 'malformed' }),
  'silence before the answer': () => ({ kind: 'hang', when: 'before' }),
  'silence in the stream': () => ({ kind: 'hang', when: 'middle' }),
  'bad JSON': () => ({ kind: 'raw', status: 200, type: 'application/json', body: '{"id": "half' }),
  'a page': () => ({ kind: 'raw', status: 200, type: 'text/html', body: '<html>Sign in</html>' }),
  'a redirect': () => ({
    kind: 'raw',
    status: 302,
    type: 'text/html',
    body: '',
    headers: { location: 'http://127.0.0.1:9/' },
  }),
} as const satisfies Record<string, (api: StandInApi, now: number) => Reply>;

export const FAILURE_NAMES: readonly FailureName[] = namesOf(FAILURES);

function namesOf<Name extends string>(record: Readonly<Record<Name, unknown>>): Name[] {
  const names: Name[] = [];
  for (const name in record) {
    names.push(name);
  }
  return names;
}
