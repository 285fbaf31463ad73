import type { Queryable } from '../db/db.ts';
import type { EndedAttempt } from '../domain/attempt-outcome.ts';
import type { EndReason } from '../domain/end-reason.ts';
import { afterCooldown, chooseProvider } from '../domain/fallback.ts';
import type { ClaimedAttempt } from './claim.ts';
import { credentialStates, type StateDeps } from './credential-states.ts';

/** Ends that say something of a provider and nothing of the job. */
const OF_PROVIDER: ReadonlySet<EndReason> = new Set([
  'rate_limited',
  'provider_overloaded',
  'provider_auth',
]);

/**
 * What a failed attempt's job may count on next: another provider of its list at once, its own when it is free again,
 * or money that this attempt was not given because a budget had no more room. Nothing: it backs off.
 */
export async function nextTryOf(
  deps: StateDeps,
  tx: Queryable,
  { claimed, reason, now }: { claimed: ClaimedAttempt; reason: EndReason; now: number },
): Promise<Pick<EndedAttempt, 'fallsBack' | 'providerFreeAt' | 'budget'>> {
  const { job, spec, provider, attempt } = claimed;
  if (reason === 'budget') {
    const { microUsd, tokens } = spec.limits;
    const isLess = attempt.reservedMicroUsd < microUsd || attempt.reservedTokens < tokens;
    // Its own limit is its end. Otherwise the next claim says what the budget says: ask, wait or fail.
    return isLess ? { budget: { onExhausted: 'wait', windowEndsAt: now } } : {};
  }
  if (!OF_PROVIDER.has(reason)) {
    return {};
  }
  const { providers, neverDowngrade } = spec;
  const stateOf = await credentialStates(deps, tx);
  const next = chooseProvider(providers, stateOf, { neverDowngrade, now });
  if (next.choice === 'cooldown') {
    const seed = `${job.id}#${job.attempts}`;
    return { providerFreeAt: afterCooldown(next.until, { now, seed }) };
  }
  return next.choice === 'use' && next.provider.name !== provider.name ? { fallsBack: true } : {};
}
