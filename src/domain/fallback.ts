import type { ProviderSpec } from './spec.ts';
import { stableFraction } from './stable-hash.ts';

/** What is known of a provider's credential, shared by all runners. Times in epoch milliseconds. */
export type CredentialState =
  | { readonly state: 'ok' }
  /** Too many calls for now, or a usage limit; free again at `until`. */
  | { readonly state: 'throttled' | 'exhausted'; readonly until: number }
  /** Only a person can repair it. */
  | { readonly state: 'auth_error' }
  /** Nobody here has a credential for it, or its program. */
  | { readonly state: 'missing' };

export type ProviderChoice =
  | {
      readonly choice: 'use';
      readonly provider: ProviderSpec;
      /** Whether one that stands before it in the list was passed over. */
      readonly fallback: boolean;
    }
  /** All that could work cool down: the earliest is free at `until`. */
  | { readonly choice: 'cooldown'; readonly until: number }
  /** None can work until a person does something. `refused`: a credential is there, and was refused. */
  | { readonly choice: 'none'; readonly reason: string; readonly refused: boolean };

/**
 * The first provider of an agent's list that can work now. An agent that is never downgraded waits for the first of
 * its list that has a working credential at all.
 *
 * @param stateOf of its credential; what needs none is `ok`
 */
export function chooseProvider(
  providers: readonly ProviderSpec[],
  stateOf: (provider: ProviderSpec) => CredentialState,
  { neverDowngrade, now }: { neverDowngrade: boolean; now: number },
): ProviderChoice {
  let earliest: number | undefined;

  for (const [position, provider] of providers.entries()) {
    const freeAt = freeAtOf(stateOf(provider), now);
    if (freeAt !== undefined && freeAt <= now) {
      return { choice: 'use', provider, fallback: position > 0 };
    }
    if (freeAt !== undefined) {
      earliest = Math.min(earliest ?? freeAt, freeAt);
      if (neverDowngrade) {
        break;
      }
    }
  }

  return earliest === undefined
    ? {
        choice: 'none',
        reason: describeNone(providers, stateOf),
        refused: providers.some((provider) => stateOf(provider).state === 'auth_error'),
      }
    : { choice: 'cooldown', until: earliest };
}

/** Of a wait, the share that jobs are spread over when it ends; and the longest such spread. */
const SPREAD = 0.1;
const LONGEST_SPREAD_MS = 30_000;

/** When a job looks again at a provider that is free at `until`: not all of them in the same moment. */
export function afterCooldown(until: number, { now, seed }: { now: number; seed: string }): number {
  const spread = Math.min(Math.max(0, until - now) * SPREAD, LONGEST_SPREAD_MS);
  return until + Math.round(spread * stableFraction(seed));
}

/** When a provider can work: `now` or before for at once, undefined for not by itself. */
function freeAtOf(credential: CredentialState, now: number): number | undefined {
  switch (credential.state) {
    case 'ok': {
      return now;
    }
    case 'throttled':
    case 'exhausted': {
      return credential.until;
    }
    case 'auth_error':
    case 'missing': {
      break;
    }
  }
  return undefined;
}

function describeNone(
  providers: readonly ProviderSpec[],
  stateOf: (provider: ProviderSpec) => CredentialState,
): string {
  if (providers.length === 0) {
    return 'The agent has no provider.';
  }
  const parts = providers.map((provider) =>
    stateOf(provider).state === 'auth_error'
      ? `the credential of ${provider.name} was refused`
      : `no runner here has ${provider.name} (its program, or its key)`,
  );
  const sentence = [...new Set(parts)].join(', ');
  return `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}.`;
}
