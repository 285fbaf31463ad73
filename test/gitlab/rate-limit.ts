import type { Clock } from '../../src/kernel/clock.ts';

export interface RateBudget {
  /** Requests per window and token. */
  readonly limit: number;
  readonly windowMs: number;
  /** Some of GitLab's limits answer 429 without any header. Default: with them. */
  readonly silent?: boolean;
}

export interface RateLimit {
  /** Counts one request of a token. */
  take(token: string): { allowed: boolean; headers: Record<string, string> };
  change(budget: RateBudget): void;
}

/** Fixed windows, as Rack::Attack counts. */
export function createRateLimit({ clock }: { clock: Clock }, first: RateBudget): RateLimit {
  let budget = first;
  let windows = new Map<string, { startedAt: number; count: number }>();

  return {
    change(next) {
      budget = next;
      windows = new Map();
    },
    take(token) {
      const { limit, windowMs, silent = false } = budget;
      const now = clock.now().getTime();
      const startedAt = now - (now % windowMs);
      const had = windows.get(token);
      const count = had?.startedAt === startedAt ? had.count + 1 : 1;
      windows.set(token, { startedAt, count });

      const allowed = count <= limit;
      const resetAt = startedAt + windowMs;
      if (silent) {
        return { allowed, headers: {} };
      }
      return {
        allowed,
        headers: {
          'ratelimit-limit': String(limit),
          'ratelimit-name': 'throttle_authenticated_api',
          'ratelimit-observed': String(count),
          'ratelimit-remaining': String(Math.max(limit - count, 0)),
          'ratelimit-reset': String(Math.ceil(resetAt / 1000)),
          'ratelimit-resettime': new Date(resetAt).toUTCString(),
          ...(allowed
            ? {}
            : { 'retry-after': String(Math.max(Math.ceil((resetAt - now) / 1000), 1)) }),
        },
      };
    },
  };
}
