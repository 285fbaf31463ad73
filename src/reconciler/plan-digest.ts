import { sha256 } from '../config/objects.ts';
import type { Change, PruneLimits } from '../domain/plan.ts';
import { isMassPrune, planDigestInput } from '../domain/plan.ts';

/** Identifies a plan. */
export function planDigest(changes: readonly Change[]): string {
  return sha256(planDigestInput(changes));
}

/**
 * Identifies what a plan retires, so a confirmation that was given for some retirements never confirms others. The
 * rest of the plan does not count: it is in force before anybody can confirm.
 */
export function pruneDigest(changes: readonly Change[]): string {
  return planDigest(changes.filter(({ action }) => action === 'retire'));
}

/** Whether the retirements of a plan wait for a person. `confirmed` is how a digest begins that one gave. */
export function isPruneHeld(
  changes: readonly Change[],
  {
    actualCount,
    confirmed,
    limits,
  }: { actualCount: number; confirmed: string | null; limits: PruneLimits },
): boolean {
  return (
    isMassPrune(changes, { actualCount, limits }) &&
    (confirmed === null || !pruneDigest(changes).startsWith(confirmed))
  );
}
