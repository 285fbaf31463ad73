import type { Agent } from './agent.ts';
import { budgetWindowAt } from './budget-window.ts';
import type { CappedWindow, Spend } from './budget.ts';
import type { AgentLimits, BudgetSpec, Period, RepoSpec } from './spec.ts';
import type { ZoneOffset } from './zone-offset.ts';

type BudgetUnit = 'micro_usd' | 'tokens';

/** What is counted, and over which time. Never a rule's name: a changed cap leaves what was spent. */
export interface WindowKey {
  /** `fleet`, `group:P`, `repo:ID`, `agent:ID:NAME`, `root:JOB`. */
  readonly scope: string;
  readonly unit: BudgetUnit;
  readonly period: Period | 'lifetime';
  readonly startsAt: Date;
  /** Null: never (`lifetime`). */
  readonly endsAt: Date | null;
}

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

/**
 * The windows that count what a root job spends over its whole life. Whoever works for it books there as soon as any
 * agent of the repository has such a limit, also one that has none itself: the next one counts on it.
 */
export function lifetimeKeys(
  { rootId }: Pick<Claim, 'rootId'>,
  agents: RepoSpec['agents'],
): WindowKey[] {
  const limits = Object.values(agents).map((agent) => agent.limits);
  const has = (of: (limit: AgentLimits) => number | undefined): boolean =>
    limits.some((limit) => of(limit) !== undefined);
  const units = [
    has(({ jobMicroUsd }) => jobMicroUsd) ? ['micro_usd' as const] : [],
    has(({ jobTokens }) => jobTokens) ? ['tokens' as const] : [],
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

/** How a cap is told from others of one claim, in words. */
export function capName({ name, unit }: Pick<Cap, 'name' | 'unit'>): string {
  return unit === 'tokens' ? `${name} (tokens)` : name;
}

/** A row under a cap, as the arithmetic of budgets takes it. People may have raised it. */
export function cappedWindow(
  cap: Cap,
  row: { readonly spent: number; readonly reserved: number; readonly raised: number },
): CappedWindow {
  const most = cap.cap + row.raised;
  return {
    id: capName(cap),
    ...(cap.unit === 'tokens' ? { capTokens: most } : { capMicroUsd: most }),
    spent: inUnit(cap.unit, row.spent),
    reserved: inUnit(cap.unit, row.reserved),
    until: cap.endsAt?.getTime() ?? Number.POSITIVE_INFINITY,
  };
}

function inUnit(unit: WindowKey['unit'], amount: number): Spend {
  return unit === 'tokens' ? { microUsd: 0, tokens: amount } : { microUsd: amount, tokens: 0 };
}

/** The part of an amount that a window of `unit` counts. */
export function partIn(unit: WindowKey['unit'], { microUsd, tokens }: Spend): number {
  return unit === 'tokens' ? tokens : microUsd;
}

/** A raise that people are asked for: of one window, by an amount in its unit. */
interface OfferedRaise {
  /** The window's row. */
  readonly id: number;
  /** The rule's name, or what else people know the cap by. */
  readonly name: string;
  readonly unit: WindowKey['unit'];
  readonly amount: number;
}

/** What a `budget` gate offers. The first window is the one that the gate is about. */
export interface BudgetAsk {
  readonly windows: readonly [OfferedRaise, ...OfferedRaise[]];
}
