import type { EndReason } from '../domain/end-reason.ts';

/** Tokens by what they cost. The five do not overlap, but for `reasoning`, which `output` includes. */
export interface TokenUsage {
  /** Charged in full: neither read from a cache nor written to one. */
  readonly input: number;
  readonly cachedInput: number;
  readonly cacheWrite: number;
  readonly output: number;
  readonly reasoning: number;
}

/**
 * What happens in a worker, in the words of all providers. Times are epoch milliseconds. A worker's own processes can
 * write to its output, so all of it is a claim: for showing and for choosing what to try next, never for a right.
 */
export type ProviderEvent =
  /** `sessionId`: what a later attempt may resume; undefined where the provider has no sessions. */
  | { readonly type: 'started'; readonly sessionId?: string; readonly model?: string }
  | { readonly type: 'text'; readonly text: string }
  | ToolEvent
  /** What this run has used since the last such event, of one model. */
  | ({ readonly type: 'usage'; readonly model?: string } & TokenUsage)
  | { readonly type: 'warning'; readonly text: string }
  /** The provider tries by itself; nothing is lost yet. */
  | { readonly type: 'retrying'; readonly text: string }
  /** `hard`: a usage limit, which retrying does not help; else too many calls for now. */
  | { readonly type: 'rateLimited'; readonly until: number | undefined; readonly hard: boolean }
  | { readonly type: 'authError'; readonly text: string }
  | { readonly type: 'overloaded' }
  | ProviderVerdict;

export type ToolOutcome = 'ok' | 'failed' | 'denied';

/** `detail` is what is called with what, cut; `id` joins a call's begin with its end. */
export type ToolEvent =
  | {
      readonly type: 'tool';
      readonly phase: 'began';
      readonly id: string;
      readonly name: string;
      readonly detail: string;
    }
  | {
      readonly type: 'tool';
      readonly phase: 'ended';
      readonly id: string;
      readonly name: string;
      readonly outcome: ToolOutcome;
    };

/** How a worker came out; once, last. */
export type ProviderVerdict = { readonly type: 'done' } | ProviderFailure;

export interface ProviderFailure {
  readonly type: 'failed';
  readonly reason: EndReason;
  /** One sentence for people. */
  readonly detail: string;
  /** For `rate_limited` and `provider_overloaded`: when it can be tried again, where the provider says so. */
  readonly freeAt?: number;
  /** The session that was to be resumed is not there: the same attempt may begin afresh, nothing was spent. */
  readonly sessionLost?: true;
}
