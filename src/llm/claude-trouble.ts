import type { JsonObject } from './json-line.ts';
import { countAt, textAt } from './json-line.ts';
import { resetTime } from './reset-time.ts';
import type { Trouble } from './trouble.ts';
import { rateTrouble } from './trouble.ts';

/** What Claude Code said on the way to its result. */
export interface ClaudeSigns {
  /** The class that it gave to the last failed call, such as `rate_limit` or `billing_error`. */
  readonly errorClass: string | undefined;
  /** When its last usage limit ends, epoch milliseconds; only known with a subscription's login. */
  readonly limitEndsAt: number | undefined;
}

/** The gateway's refusals carry its name: a 402 without it comes from the provider, and is about the account. */
const OUR_GATEWAY = 'Auto-Dev gateway';

/**
 * What a `result` event that is an error says. Its `subtype` is `success` for failed calls too, so it is asked last.
 *
 * @param text the result's own sentence
 */
export function claudeTrouble(
  result: JsonObject,
  { errorClass, limitEndsAt }: ClaudeSigns,
  { text, now }: { text: string; now: Date },
): Trouble {
  const status = countAt(result, 'api_error_status');
  const apiError = textAt(result, 'api_error');
  const ended = textAt(result, 'terminal_reason') ?? '';
  const subtype = textAt(result, 'subtype');

  if (subtype === 'error_max_turns' || ended === 'max_turns') {
    return { kind: 'turns' };
  }
  if (subtype === 'error_max_budget_usd' || ended === 'budget_exhausted') {
    return { kind: 'budget' };
  }
  if (ended === 'prompt_too_long') {
    return { kind: 'context' };
  }
  if (ended.startsWith('aborted')) {
    return { kind: 'interrupted' };
  }
  if (status === 402) {
    return { kind: text.includes(OUR_GATEWAY) ? 'budget' : 'auth' };
  }
  if (status === 429 || errorClass === 'rate_limit') {
    const hard = apiError === 'usage_limit_reached' || limitEndsAt !== undefined;
    return rateTrouble({
      hard,
      until: limitEndsAt ?? (hard ? resetTime(text, now) : undefined),
      now,
    });
  }
  if (status === 401 || errorClass === 'authentication_failed' || errorClass === 'billing_error') {
    return { kind: 'auth' };
  }
  const broken = status >= 500 || apiError === 'connection_failed' || errorClass === 'server_error';
  return { kind: broken ? 'overloaded' : 'other' };
}
