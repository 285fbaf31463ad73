import { writeAudit } from '../../db/audit.ts';
import { lockWindows, pokeBudgetWaiters, raiseWindows } from '../../db/budgets.ts';
import type { Db } from '../../db/db.ts';
import { notifyWork } from '../../db/enqueue.ts';
import { getRevisionInForce } from '../../db/revisions.ts';
import type { BudgetScope, Cap, FleetBudget } from '../../domain/budget-caps.ts';
import { capsOf, fleetCapsOf, scopeName } from '../../domain/budget-caps.ts';
import type { ZoneOffset } from '../../domain/zone-offset.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import { type Grant, usd } from './grant-budget.ts';

export interface GrantWindowsDeps {
  readonly db: Db;
  readonly clock: Clock;
  readonly zoneOffset: ZoneOffset;
  /** What ops say today, groups of repositories included. */
  readonly fleetBudgets: () => readonly FleetBudget[];
}

/**
 * Raises the USD budgets of a scope (the fleet, a repository, one agent of it) in the windows that are open now, for
 * as long as these last, and has what waits for them look again. A window in which nothing was spent yet is made.
 * Throws CONFLICT where nothing caps the scope in USD.
 */
export async function grantWindows(
  deps: GrantWindowsDeps,
  scope: BudgetScope,
  { actor, microUsd, reason }: Grant,
): Promise<{ message: string }> {
  const { db } = deps;
  const target = scopeName(scope);
  const caps = (await openCaps(deps, scope)).filter(
    (cap) => cap.scope === target && cap.unit === 'micro_usd',
  );
  if (caps.length === 0) {
    throw nothingCaps(scope);
  }
  await db.transaction(async (tx) => {
    const windows = await lockWindows(tx, caps);
    const raises = windows.map(({ id }) => ({ id, amount: microUsd }));
    const ids = raises.map(({ id }) => id);
    await raiseWindows(tx, raises);
    // Behind the windows, as where they are settled: it waits for no job that somebody holds.
    await pokeBudgetWaiters(tx, ids);
    await writeAudit(tx, {
      actor,
      action: 'budget.raise',
      target,
      ...(scope.repoId !== undefined && { repoId: scope.repoId }),
      detail: { micro_usd: microUsd, reason, windows: ids },
    });
  });
  await notifyWork(db);
  const names = caps.map(({ name, period }) => `${name} (per ${period})`).join(' and ');
  return { message: `Raised by ${usd(microUsd)} USD until its window ends: ${names}.` };
}

async function openCaps(
  { db, clock, zoneOffset, fleetBudgets }: GrantWindowsDeps,
  { repoId, agent }: BudgetScope,
): Promise<readonly Cap[]> {
  const at = { now: clock.now().getTime(), zoneOffset };
  if (repoId === undefined) {
    return fleetCapsOf(fleetBudgets(), at);
  }
  const { spec } = await getRevisionInForce(db, repoId);
  return capsOf({ repoId, agent }, spec, at);
}

function nothingCaps({ repoId, agent }: BudgetScope): AppError {
  if (repoId === undefined) {
    return new AppError('CONFLICT', 'nothing caps the fleet in USD', {
      remedy:
        'A budget over the fleet is one of `budgets` in the policy file. Raise a repository instead: `autodev grant --repo REPO --usd N`.',
    });
  }
  return agent === undefined
    ? new AppError('CONFLICT', 'nothing caps this repository in USD', {
        remedy: '`autodev budget` shows the caps that there are.',
      })
    : new AppError('CONFLICT', `nothing caps \`${agent}\` by itself in USD`, {
        remedy: 'Leave `--agent` away to raise the budgets of the whole repository.',
      });
}
