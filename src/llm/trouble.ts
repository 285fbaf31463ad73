import type { EndReason } from '../domain/end-reason.ts';
import type { ProviderEvent, ProviderFailure } from './provider-event.ts';

/** What went wrong between a worker and its model, in the words of all providers. Times are epoch milliseconds. */
export type Trouble =
  /** `hard`: a usage limit of the account; else too many calls for now. */
  | { readonly kind: 'rate'; readonly hard: boolean; readonly until: number | undefined }
  /** The credential is refused, or its account has no money left: only people can repair it. */
  | { readonly kind: 'auth' }
  /** The service, or the way to it, does not work for now. */
  | { readonly kind: 'overloaded' }
  | { readonly kind: 'context' }
  | { readonly kind: 'budget' }
  | { readonly kind: 'turns' }
  | { readonly kind: 'interrupted' }
  | { readonly kind: 'other' };

/** No usage window is longer than a week; what says so is a mistake or a lie, and must not stop a provider for years. */
const LONGEST_WAIT_MS = 8 * 86_400_000;
const DETAIL_CHARACTERS = 600;

const REASONS: Readonly<Record<Trouble['kind'], EndReason>> = {
  rate: 'rate_limited',
  auth: 'provider_auth',
  overloaded: 'provider_overloaded',
  context: 'context_overflow',
  budget: 'budget',
  turns: 'limit_turns',
  interrupted: 'crashed',
  other: 'provider_error',
};

export function rateTrouble({
  hard,
  until,
  now,
}: {
  hard: boolean;
  until: number | undefined;
  now: Date;
}): Trouble {
  const leftMs = (until ?? Number.NaN) - now.getTime();
  return { kind: 'rate', hard, until: leftMs > LONGEST_WAIT_MS ? undefined : until };
}

/** What is told at once: others may be about to call the same model with the same credential. */
export function troubleEvents(trouble: Trouble, text: string): readonly ProviderEvent[] {
  switch (trouble.kind) {
    case 'rate': {
      return [{ type: 'rateLimited', until: trouble.until, hard: trouble.hard }];
    }
    case 'auth': {
      return [{ type: 'authError', text }];
    }
    case 'overloaded': {
      return [{ type: 'overloaded' }];
    }
    case 'context':
    case 'budget':
    case 'turns':
    case 'interrupted':
    case 'other': {
      break;
    }
  }
  return [];
}

export function troubleFailure(trouble: Trouble, text: string): ProviderFailure {
  return {
    type: 'failed',
    reason: REASONS[trouble.kind],
    detail: text.slice(0, DETAIL_CHARACTERS),
    ...(trouble.kind === 'rate' && trouble.until !== undefined && { freeAt: trouble.until }),
  };
}
