import { grantedTo, holdInWindows, type LockedWindow, lockWindows } from '../db/budgets.ts';
import type { Queryable } from '../db/db.ts';
import type { JobRow } from '../db/job-rows.ts';
import { NOTHING, reserve, type Reservation, type Spend } from '../domain/budget.ts';
import type { AgentSpec, BudgetSpec, RepoSpec } from '../domain/spec.ts';
import type { ZoneOffset } from '../domain/zone-offset.ts';
import { capsOf, cappedWindow, lifetimeKeys, sameWindow } from './budget-windows.ts';

export interface ReservationWish {
  readonly job: JobRow;
  readonly repoSpec: RepoSpec;
  readonly spec: AgentSpec;
  /** False for what cannot spend anything: it waits for no budget. */
  readonly spends: boolean;
}

export type Reserved =
  | { readonly grant: Spend; readonly windows: readonly number[] }
  | {
      readonly wait: Exclude<Reservation, { grant: Spend }>;
      readonly onExhausted: BudgetSpec['onExhausted'];
    };

/** Reserves what each job may spend, in order, in the claim's transaction. Answers in the order of `wishes`. */
export async function reserveAll(
  tx: Queryable,
  wishes: readonly ReservationWish[],
  { now, zoneOffset }: { now: number; zoneOffset: ZoneOffset },
): Promise<Reserved[]> {
  const wanted = wishes.map(({ job, repoSpec, spec, spends }) => ({
    caps: spends ? capsOf(job, repoSpec, { now, zoneOffset }) : [],
    lifetime: spends ? lifetimeKeys(job, spec) : [],
  }));
  const rows = await lockWindows(
    tx,
    wanted.flatMap(({ caps, lifetime }) => [...caps, ...lifetime]),
  );

  const results: Reserved[] = [];
  for (const [i, wish] of wishes.entries()) {
    const { caps = [], lifetime = [] } = wanted[i] ?? {};
    const rowOf = (key: (typeof lifetime)[number]): LockedWindow | undefined =>
      rows.find((row) => sameWindow(row, key));
    const windows = caps.flatMap((cap) => {
      const row = rowOf(cap);
      return row === undefined ? [] : [{ cap, window: cappedWindow(cap, row) }];
    });
    const answer = reserve({
      want: wish.spends
        ? { microUsd: wish.spec.limits.microUsd, tokens: wish.spec.limits.tokens }
        : NOTHING,
      min: wish.spec.limits.min,
      windows: windows.map(({ window }) => window),
      lifetimeLeft: await lifetimeLeft(tx, wish, lifetime.map(rowOf)),
    });
    if (!('grant' in answer)) {
      const blocking =
        answer.wait === 'budget'
          ? windows.find(({ window }) => window.id === answer.windowId)?.cap
          : undefined;
      results.push({ wait: answer, onExhausted: blocking?.onExhausted ?? 'question' });
      continue;
    }
    const ids = new Set([...caps, ...lifetime].flatMap((key) => rowOf(key)?.id ?? []));
    for (const [index, row] of rows.entries()) {
      if (ids.has(row.id)) {
        const amount = row.unit === 'tokens' ? answer.grant.tokens : answer.grant.microUsd;
        rows[index] = { ...row, reserved: row.reserved + amount };
        await holdInWindows(tx, [{ id: row.id, amount }]);
      }
    }
    results.push({ grant: answer.grant, windows: [...ids] });
  }
  return results;
}

/** What the root job may still spend; a person's grant raises it. */
async function lifetimeLeft(
  tx: Queryable,
  { job, spec: { limits } }: ReservationWish,
  rows: readonly (LockedWindow | undefined)[],
): Promise<Partial<Spend>> {
  if (rows.length === 0) {
    return {};
  }
  const granted = await grantedTo(tx, job.rootId);
  const left: { microUsd?: number; tokens?: number } = {};
  for (const row of rows) {
    const used = (row?.spent ?? 0) + (row?.reserved ?? 0);
    if (row?.unit === 'tokens' && limits.jobTokens !== undefined) {
      left.tokens = limits.jobTokens + granted.tokens - used;
    } else if (row?.unit === 'micro_usd' && limits.jobMicroUsd !== undefined) {
      left.microUsd = limits.jobMicroUsd + granted.microUsd - used;
    }
  }
  return left;
}
