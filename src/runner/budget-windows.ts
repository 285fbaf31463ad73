import type { LockedWindow, WindowKey } from '../db/budgets.ts';
import type { Agent } from '../domain/agent.ts';
import { budgetWindowAt } from '../domain/budget-window.ts';
import type { CappedWindow, Spend } from '../domain/budget.ts';
import type { AgentSpec, BudgetSpec, RepoSpec } from '../domain/spec.ts';
import type { ZoneOffset } from '../domain/zone-offset.ts';

/** A budget over the window that the claim falls into, before its row is known. */
export interface Cap extends WindowKey {
  /** The rule's name, for people. */
  readonly name: string;
  readonly cap: number;
  readonly onExhausted: BudgetSpec['onExhausted'];
}

interface Claim {
  readonly repoId: number;
  readonly agent: Agent;
  readonly rootId: number;
}

/** The caps that a job of an agent has to stay under, besides its own limits. */
export function capsOf(
  { repoId, agent }: Claim,
  { budgets, timezone }: Pick<RepoSpec, 'budgets' | 'timezone'>,
  { now, zoneOffset }: { now: number; zoneOffset: ZoneOffset },
): Cap[] {
  return Object.entries(budgets).flatMap(([name, budget]) => {
    if (budget.scope !== 'repo' && budget.scope !== agent) {
      return [];
    }
    const { per: period, onExhausted } = budget;
    const { start, end } = budgetWindowAt({ period, zone: timezone, at: now }, zoneOffset);
    const key = {
      name,
      scope: budget.scope === 'repo' ? `repo:${repoId}` : `agent:${repoId}:${agent}`,
      period,
      startsAt: new Date(start),
      endsAt: new Date(end),
      onExhausted,
    };
    const usd: Cap[] =
      budget.microUsd === undefined ? [] : [{ ...key, unit: 'micro_usd', cap: budget.microUsd }];
    const tokens: Cap[] =
      budget.tokens === undefined ? [] : [{ ...key, unit: 'tokens', cap: budget.tokens }];
    return [...usd, ...tokens];
  });
}

/** The windows that count what a root job spends over its whole life; there are caps in its limits, or none. */
export function lifetimeKeys({ rootId }: Claim, { limits }: AgentSpec): WindowKey[] {
  const units = [
    limits.jobMicroUsd === undefined ? [] : ['micro_usd' as const],
    limits.jobTokens === undefined ? [] : ['tokens' as const],
  ].flat();
  const key = { scope: `root:${rootId}`, period: 'lifetime', endsAt: null } as const;
  return units.map((unit) => ({ ...key, unit, startsAt: new Date(0) }));
}

export function sameWindow(a: WindowKey, b: WindowKey): boolean {
  return (
    a.scope === b.scope &&
    a.unit === b.unit &&
    a.period === b.period &&
    a.startsAt.getTime() === b.startsAt.getTime()
  );
}

/** A locked row under a cap, as the arithmetic of budgets takes it. */
export function cappedWindow(cap: Cap, { spent, reserved }: LockedWindow): CappedWindow {
  const inUnit = (amount: number): Spend =>
    cap.unit === 'tokens' ? { microUsd: 0, tokens: amount } : { microUsd: amount, tokens: 0 };
  return {
    id: cap.unit === 'tokens' ? `${cap.name} (tokens)` : cap.name,
    ...(cap.unit === 'tokens' ? { capTokens: cap.cap } : { capMicroUsd: cap.cap }),
    spent: inUnit(spent),
    reserved: inUnit(reserved),
    until: cap.endsAt?.getTime() ?? Number.POSITIVE_INFINITY,
  };
}
