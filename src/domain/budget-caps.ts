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

/** A budget that ops set over the fleet or over a group of repositories. Its windows are those of UTC. */
export interface FleetBudget extends Pick<BudgetSpec, 'per' | 'microUsd' | 'tokens'> {
  readonly name: string;
  /** `fleet`, or `group:P` with the globs of the group. */
  readonly scope: string;
}

/** What a budget is about: the fleet, a repository, or one agent of it. */
export interface BudgetScope {
  readonly repoId?: number | undefined;
  readonly agent?: Agent | undefined;
}

interface Instant {
  readonly now: number;
  readonly zoneOffset: ZoneOffset;
}

export function scopeName({ repoId, agent }: BudgetScope): string {
  if (repoId === undefined) {
    return 'fleet';
  }
  return agent === undefined ? `repo:${repoId}` : `agent:${repoId}:${agent}`;
}

/** The caps of a file that a job of an agent has to stay under, besides its own limits; without one, the repository's. */
export function capsOf(
  { repoId, agent }: BudgetScope & { readonly repoId: number },
  { budgets, timezone }: Pick<RepoSpec, 'budgets' | 'timezone'>,
  at: Instant,
): Cap[] {
  return Object.entries(budgets).flatMap(([name, budget]) => {
    if (budget.scope !== 'repo' && budget.scope !== agent) {
      return [];
    }
    const scope = scopeName(budget.scope === 'repo' ? { repoId } : { repoId, agent });
    return capsIn({ ...budget, name, scope }, timezone, at);
  });
}

/** The caps of ops. Whoever runs into one waits: no vote in a repository raises what holds for others as well. */
export function fleetCapsOf(budgets: readonly FleetBudget[], at: Instant): Cap[] {
  return budgets.flatMap(({ name, ...budget }) =>
    capsIn({ ...budget, name: `${name} of the policy`, onExhausted: 'wait' }, 'UTC', at),
  );
}

function capsIn(
  {
    name,
    scope,
    per: period,
    onExhausted,
    microUsd,
    tokens,
  }: FleetBudget & Pick<BudgetSpec, 'onExhausted'>,
  zone: string,
  { now, zoneOffset }: Instant,
): Cap[] {
  const { start, end } = budgetWindowAt({ period, zone, at: now }, zoneOffset);
  const startsAt = new Date(start);
  const endsAt = new Date(end);
  const key = { name, scope, period, startsAt, endsAt, onExhausted };
  return [
    ...(microUsd === undefined ? [] : [{ ...key, unit: 'micro_usd' as const, cap: microUsd }]),
    ...(tokens === undefined ? [] : [{ ...key, unit: 'tokens' as const, cap: tokens }]),
  ];
}

/**
 * The windows that count what a root job spends over its whole life. Whoever works for it books there as soon as any
 * agent of the repository has such a limit, also one that has none itself: the next one counts on it.
 */
export function lifetimeKeys(
  { rootId }: { readonly rootId: number },
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
