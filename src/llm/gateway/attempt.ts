import type { Spend } from '../../domain/budget.ts';
import type { PricedProvider, TokenCount } from '../prices.ts';
import type { AccountEvent, AccountLimits } from './account.ts';
import type { CredentialSignal } from './credential-signal.ts';

/** A provider's key, and what may be asked with it. */
export interface Access {
  /** Provider and which key of it: how the credential is known to all runners. Never the key. */
  readonly credential: string;
  readonly key: string;
  /** The job's model first; a request for any other is refused. A `*` at the end of a name stands for any rest. */
  readonly models: readonly string[];
}

export interface CallLimits extends AccountLimits {
  /** Most tokens of one answer, thinking included. */
  readonly maxOutput: number;
}

export const DEFAULT_CALL_LIMITS: CallLimits = {
  maxOutput: 16_384,
  calls: 2_000,
  callsPerMinute: 180,
  parallel: 4,
};

export interface AttachedAttempt {
  readonly repoId: number;
  readonly jobId: number;
  readonly attempt: number;
  /** What its worker shows instead of a key. */
  readonly token: string;
  readonly access: Readonly<Partial<Record<PricedProvider, Access>>>;
  readonly limits: CallLimits;
  /** All that it may spend. Infinity: a unit without a limit. */
  readonly grant: Spend;
  readonly tier?: string;
  /** Betas of the Messages API that may be asked for; left out: those that Claude Code needs. */
  readonly betas?: readonly string[];
  readonly onEvent: (event: GatewayEvent) => void;
}

export type GatewayEvent =
  | AccountEvent
  /** A call ended, with what it cost. */
  | {
      readonly type: 'call';
      readonly provider: PricedProvider;
      readonly model: string;
      readonly tokens: TokenCount;
      readonly microUsd: number;
      readonly exact: boolean;
      /** The provider's status; undefined: it never answered. */
      readonly status: number | undefined;
    }
  /** A call was not made, and why. */
  | { readonly type: 'refused'; readonly status: number; readonly detail: string }
  /** The provider's answer said something of the credential; `onCredential` has it for all runners. */
  | {
      readonly type: 'credential';
      readonly provider: PricedProvider;
      readonly credential: string;
      readonly signal: CredentialSignal;
    }
  /** The provider could not be reached, or answered what is no answer of such an API. */
  | { readonly type: 'unreachable'; readonly provider: PricedProvider; readonly detail: string };

export interface AttemptUsage {
  readonly tokens: TokenCount;
  /** What counts against the grant. */
  readonly spent: Spend;
  /** Held for calls that run. */
  readonly held: Spend;
  readonly exact: boolean;
  readonly calls: number;
}
