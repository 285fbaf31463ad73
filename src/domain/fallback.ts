import type { ProviderName, ProviderSpec } from './spec.ts';

/** What is known of a provider's credential, shared by all runners. Times in epoch milliseconds. */
export type CredentialState =
  | { readonly state: 'ok' }
  /** Too many calls for now, or a usage limit; free again at `until`. */
  | { readonly state: 'throttled' | 'exhausted'; readonly until: number }
  /** Only a person can repair it. */
  | { readonly state: 'auth_error' }
  /** No runner has a credential for it. */
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
  /** None can work until a person does something. */
  | { readonly choice: 'none'; readonly reason: string };

/**
 * The first provider of an agent's list that can work now. `command` needs no credential. An agent that is
 * never downgraded waits for the first of its list that has a working credential at all.
 */
export function chooseProvider(
  providers: readonly ProviderSpec[],
  credentials: Readonly<Partial<Record<ProviderName, CredentialState>>>,
  { neverDowngrade, now }: { neverDowngrade: boolean; now: number },
): ProviderChoice {
  let earliest: number | undefined;

  for (const [position, provider] of providers.entries()) {
    const freeAt = freeAtOf(provider, credentials[provider.name], now);
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
    ? { choice: 'none', reason: describeNone(providers, credentials) }
    : { choice: 'cooldown', until: earliest };
}

/** When a provider can work: `now` or before for at once, undefined for not by itself. */
function freeAtOf(
  provider: ProviderSpec,
  credential: CredentialState | undefined,
  now: number,
): number | undefined {
  if (provider.name === 'command') {
    return now;
  }
  switch (credential?.state) {
    case 'ok': {
      return now;
    }
    case 'throttled':
    case 'exhausted': {
      return credential.until;
    }
    case 'auth_error':
    case 'missing':
    case undefined: {
      break;
    }
  }
  return undefined;
}

function describeNone(
  providers: readonly ProviderSpec[],
  credentials: Readonly<Partial<Record<ProviderName, CredentialState>>>,
): string {
  if (providers.length === 0) {
    return 'The agent has no provider.';
  }
  const parts = providers.map(({ name }) =>
    credentials[name]?.state === 'auth_error'
      ? `the credential of ${name} was refused`
      : `there is no credential for ${name}`,
  );
  const sentence = [...new Set(parts)].join(', ');
  return `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}.`;
}
