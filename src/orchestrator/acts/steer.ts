import type { ControlBus } from '../../control/control-bus.ts';
import { writeAudit } from '../../db/audit.ts';
import { resetBreaker as reset } from '../../db/breakers.ts';
import {
  drainRunner,
  getControl,
  pause as orderPause,
  resume as orderResume,
} from '../../db/controls.ts';
import type { Db } from '../../db/db.ts';
import { notifyWork } from '../../db/enqueue.ts';
import type { LaneScope } from '../../db/holds.ts';
import type { Agent } from '../../domain/agent.ts';
import { AppError } from '../../kernel/errors.ts';

interface SteerDeps {
  readonly db: Db;
  /** Told after each commit, so that nobody waits for a poll. */
  readonly bus: Pick<ControlBus, 'publish'>;
}

interface Scope {
  readonly repoId?: number | undefined;
  readonly agent?: Agent | undefined;
}

/** Stops claims in a scope: everything, a repository, or one agent of it. What runs goes on. */
export async function pause(
  { db, bus }: SteerDeps,
  scope: Scope,
  { actor, reason, until }: { actor: string; reason: string; until?: Date | undefined },
): Promise<{ controlId: number }> {
  const controlId = await db.transaction(async (tx) => {
    const id = await orderPause(tx, {
      scope: laneScope(scope),
      actor,
      reason,
      ...(until && { until }),
    });
    await writeAudit(tx, {
      actor,
      action: 'pause',
      target: nameOf(scope),
      ...repoOf(scope),
      detail: { reason, until },
    });
    return id;
  });
  bus.publish('control', controlId);
  return { controlId };
}

/** Ends the pauses of exactly this scope. */
export async function resume(
  { db, bus }: SteerDeps,
  scope: Scope,
  { actor }: { actor: string },
): Promise<{ lifted: number }> {
  const { id, lifted } = await db.transaction(async (tx) => {
    const result = await orderResume(tx, { scope: laneScope(scope), actor, reason: 'resumed' });
    await writeAudit(tx, {
      actor,
      action: 'resume',
      target: nameOf(scope),
      ...repoOf(scope),
      detail: { lifted: result.lifted },
    });
    return result;
  });
  bus.publish('control', id);
  await notifyWork(db);
  return { lifted };
}

/** Ends one pause by its id. Throws NOT_FOUND, and CONFLICT for what is no pause. */
export async function liftControl(
  deps: SteerDeps,
  controlId: number,
  by: { actor: string },
): Promise<void> {
  const control = await getControl(deps.db, controlId);
  if (!control) {
    throw new AppError('NOT_FOUND', `there is no control ${controlId}`);
  }
  if (control.verb !== 'pause') {
    throw new AppError('CONFLICT', `a \`${control.verb}\` cannot be lifted`);
  }
  await resume(
    deps,
    { repoId: control.repoId ?? undefined, agent: control.agent ?? undefined },
    by,
  );
}

/** Lets a runner finish what it has and claim nothing more. */
export async function drain(
  { db, bus }: SteerDeps,
  runnerId: number,
  { actor, reason }: { actor: string; reason: string },
): Promise<{ controlId: number }> {
  const controlId = await db.transaction(async (tx) => {
    const id = await drainRunner(tx, { runner: runnerId, actor, reason });
    if (id === undefined) {
      throw new AppError('CONFLICT', `runner ${runnerId} is not active`, {
        remedy: '`autodev runners` lists those that are.',
      });
    }
    await writeAudit(tx, {
      actor,
      action: 'drain',
      target: `runner ${runnerId}`,
      detail: { reason },
    });
    return id;
  });
  bus.publish('control', controlId);
  return { controlId };
}

/** Closes the breaker of a lane, so that it takes work again. */
export async function resetBreaker(
  { db }: { db: Db },
  { repoId, agent }: { repoId: number; agent: Agent },
  { actor }: { actor: string },
): Promise<void> {
  await db.transaction(async (tx) => {
    await reset(tx, { repoId, agent });
    await writeAudit(tx, { actor, action: 'breaker.reset', target: agent, repoId, detail: {} });
  });
  await notifyWork(db);
}

function laneScope({ repoId, agent }: Scope): LaneScope {
  return { ...(repoId !== undefined && { repoId }), ...(agent !== undefined && { agent }) };
}

function nameOf({ repoId, agent }: Scope): string {
  if (repoId === undefined) {
    return 'fleet';
  }
  return agent === undefined ? 'repo' : agent;
}

function repoOf({ repoId }: Scope): { repoId?: number } {
  return repoId === undefined ? {} : { repoId };
}
