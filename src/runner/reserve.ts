import { grantedTo, takeFromGrants } from '../db/budget-grants.ts';
import { holdInWindows, type LockedWindow, lockWindows, raiseWindows } from '../db/budgets.ts';
import type { Queryable } from '../db/db.ts';
import { noteGrantUses } from '../db/grant-uses.ts';
import type { JobRow } from '../db/job-rows.ts';
import {
  type BudgetAsk,
  type Cap,
  type FleetBudget,
  capName,
  capsOf,
  cappedWindow,
  fleetCapsOf,
  lifetimeKeys,
  partIn,
  sameWindow,
} from '../domain/budget-caps.ts';
import { NOTHING, reserve, type Reservation, type Spend } from '../domain/budget.ts';
import type { AgentSpec, BudgetSpec, RepoSpec } from '../domain/spec.ts';
import type { ZoneOffset } from '../domain/zone-offset.ts';

const ENOUGH: Spend = { microUsd: Number.POSITIVE_INFINITY, tokens: Number.POSITIVE_INFINITY };

export interface ReservationWish {
  readonly job: JobRow;
  readonly repoSpec: RepoSpec;
  readonly spec: AgentSpec;
  /** False for what cannot spend anything: it waits for no budget. */
  readonly spends: boolean;
  /** What ops say over the fleet, and over groups that the repository is one of. */
  readonly fleetBudgets: readonly FleetBudget[];
}

export type Reserved =
  | { readonly grant: Spend; readonly windows: readonly number[] }
  | {
      readonly wait: Exclude<Reservation, { grant: Spend }>;
      readonly onExhausted: BudgetSpec['onExhausted'];
      /** What people may raise so that it starts. */
      readonly ask: BudgetAsk;
    };

/** Reserves what each job may spend, in order, in the claim's transaction. Answers in the order of `wishes`. */
export async function reserveAll(
  tx: Queryable,
  wishes: readonly ReservationWish[],
  { now, zoneOffset }: { now: number; zoneOffset: ZoneOffset },
): Promise<Reserved[]> {
  const at = { now, zoneOffset };
  const wanted = wishes.map(({ job, repoSpec, spends, fleetBudgets }) => ({
    caps: spends ? [...capsOf(job, repoSpec, at), ...fleetCapsOf(fleetBudgets, at)] : [],
    lifetime: spends ? lifetimeKeys(job, repoSpec.agents) : [],
  }));
  const rows = await lockWindows(
    tx,
    wanted.flatMap(({ caps, lifetime }) => [...caps, ...lifetime]),
  );

  const results: Reserved[] = [];
  for (const [i, wish] of wishes.entries()) {
    const { caps = [], lifetime = [] } = wanted[i] ?? {};
    const found = {
      caps: caps.flatMap((cap) => withRow(cap, rows)),
      lifetime: lifetime.flatMap((key) => withRow(key, rows)).map(({ row }) => row),
    };
    results.push(await reserveOne(tx, wish, found, rows));
  }
  return results;
}

interface Found {
  readonly caps: readonly { readonly of: Cap; readonly row: LockedWindow }[];
  readonly lifetime: readonly LockedWindow[];
}

function withRow<Key extends Parameters<typeof sameWindow>[0]>(
  of: Key,
  rows: readonly LockedWindow[],
): { of: Key; row: LockedWindow }[] {
  const row = rows.find((one) => sameWindow(one, of));
  return row === undefined ? [] : [{ of, row }];
}

/** Holds what it grants in `rows` too: the next job of the same claim sees it. */
async function reserveOne(
  tx: Queryable,
  wish: ReservationWish,
  { caps, lifetime }: Found,
  rows: LockedWindow[],
): Promise<Reserved> {
  const { limits } = wish.spec;
  const want = wish.spends ? { microUsd: limits.microUsd, tokens: limits.tokens } : NOTHING;
  const granted =
    caps.length + lifetime.length === 0 ? undefined : await grantedTo(tx, wish.job.rootId);
  const left = lifetimeLeft(wish.spec, lifetime, granted?.total ?? NOTHING);
  const answer = reserve({
    want,
    min: limits.min,
    windows: caps.map(({ of, row }) => cappedWindow(of, row)),
    lifetimeLeft: left,
    ...(granted && { granted: granted.unused }),
  });
  if (!('grant' in answer)) {
    const blocking =
      answer.wait === 'budget'
        ? answer.windowIds.flatMap((id) => caps.filter(({ of }) => capName(of) === id))
        : [];
    const spentLifetime = lifetime.filter(
      ({ unit }) => partIn(unit, { ...ENOUGH, ...left }) < partIn(unit, want),
    );
    const offers =
      answer.wait === 'budget'
        ? blocking.map(({ of, row }) => ({ ...row, name: of.name }))
        : spentLifetime.map((row) => ({ ...row, name: 'limits.job' }));
    const [first, ...rest] = offers.map(({ id, name, unit }) => ({
      id,
      name,
      unit,
      amount: partIn(unit, want),
    }));
    if (first === undefined) {
      throw new Error('a reservation waits for no window at all');
    }
    const onExhausted = strictest(blocking.map(({ of }) => of));
    return { wait: answer, onExhausted, ask: { windows: [first, ...rest] } };
  }

  const raises = answer.raises.flatMap(({ windowId, by }) =>
    caps
      .filter(({ of }) => capName(of) === windowId)
      .map(({ row }) => ({ id: row.id, amount: partIn(row.unit, by) })),
  );
  if (raises.length > 0) {
    await takeFromGrants(tx, wish.job.rootId, answer.usedGrant);
    await raiseWindows(tx, raises);
    const { id: jobId, attempts: attempt, rootId } = wish.job;
    await noteGrantUses(tx, { jobId, attempt, rootId }, raises);
  }
  const ids = new Set([...caps.map(({ row }) => row.id), ...lifetime.map(({ id }) => id)]);
  const holds = rows
    .filter(({ id }) => ids.has(id))
    .map(({ id, unit }) => ({ id, amount: partIn(unit, answer.grant) }));
  if (holds.length > 0) {
    await holdInWindows(tx, holds);
  }
  for (const [index, row] of rows.entries()) {
    if (ids.has(row.id)) {
      rows[index] = {
        ...row,
        reserved: row.reserved + partIn(row.unit, answer.grant),
        raised: row.raised + (raises.find(({ id }) => id === row.id)?.amount ?? 0),
      };
    }
  }
  return { grant: answer.grant, windows: [...ids] };
}

/** Of several budgets in the way the one that says the most: what fails for one cannot be raised in another. */
function strictest(caps: readonly Cap[]): BudgetSpec['onExhausted'] {
  const order = ['fail', 'wait', 'question'] as const;
  return order.find((one) => caps.some(({ onExhausted }) => onExhausted === one)) ?? 'question';
}

/** What the root job may still spend; a person's grant raises it. */
function lifetimeLeft(
  { limits }: AgentSpec,
  rows: readonly LockedWindow[],
  granted: Spend,
): Partial<Spend> {
  const left: { microUsd?: number; tokens?: number } = {};
  for (const { unit, spent, reserved, raised } of rows) {
    const used = spent + reserved - raised;
    if (unit === 'tokens' && limits.jobTokens !== undefined) {
      left.tokens = limits.jobTokens + granted.tokens - used;
    } else if (unit === 'micro_usd' && limits.jobMicroUsd !== undefined) {
      left.microUsd = limits.jobMicroUsd + granted.microUsd - used;
    }
  }
  return left;
}
