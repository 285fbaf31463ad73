import { listCredentials } from '../db/credentials.ts';
import type { Queryable } from '../db/db.ts';
import type { CredentialState } from '../domain/fallback.ts';
import type { ProviderSpec } from '../domain/spec.ts';
import type { PricedProvider } from '../llm/prices.ts';
import type { LlmAccess, ProviderOffer } from './llm-access.ts';

export interface StateDeps {
  readonly providers: readonly ProviderOffer[];
  readonly llm?: LlmAccess | undefined;
}

const OK: CredentialState = { state: 'ok' };
const MISSING: CredentialState = { state: 'missing' };

/** How it stands with the credentials of this runner's providers, by what all runners have seen of them. */
export async function credentialStates(
  { providers, llm }: StateDeps,
  db: Queryable,
): Promise<(provider: ProviderSpec) => CredentialState> {
  const known = llm === undefined ? new Map<string, CredentialState>() : await listCredentials(db);
  const stateOfKey = (api: PricedProvider): CredentialState => {
    const key = llm?.keys[api];
    return key === undefined ? MISSING : (known.get(key.credential) ?? OK);
  };

  return ({ name, llm: asksModel }) => {
    const offer = providers.find(({ provider }) => provider.name === name);
    if (offer === undefined) {
      return MISSING;
    }
    if (offer.api !== undefined) {
      return stateOfKey(offer.api);
    }
    return asksModel === true ? best([stateOfKey('codex'), stateOfKey('claude')]) : OK;
  };
}

const BEST_FIRST = ['ok', 'throttled', 'exhausted', 'auth_error', 'missing'] as const;

/** A program that may ask any model works with any key. */
function best(states: readonly CredentialState[]): CredentialState {
  return (
    states.toSorted((a, b) => BEST_FIRST.indexOf(a.state) - BEST_FIRST.indexOf(b.state))[0] ??
    MISSING
  );
}
