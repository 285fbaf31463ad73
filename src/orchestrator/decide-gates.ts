import { isWindowOver } from '../db/budget-gates.ts';
import type { Db, Queryable } from '../db/db.ts';
import { notifyWork } from '../db/enqueue.ts';
import type { Vote } from '../db/gates.ts';
import {
  closeGate,
  listExpiredGates,
  listGatesToDecide,
  listVotes,
  lockOpenGate,
  recordDecision,
} from '../db/gates.ts';
import { clearSetback } from '../db/setbacks.ts';
import type { Wake } from '../db/wake.ts';
import { AppError } from '../kernel/errors.ts';
import type { Service } from '../kernel/service.ts';
import { carryOutDecision } from './carry-out-decision.ts';
import { contain, setAside } from './contain.ts';
import type { GateDeps } from './gate-deps.ts';
import { lockDecidable } from './lock-gate.ts';
import { tieLooseEnds } from './loose-ends.ts';
import { pokeWaiters } from './raise-budget.ts';
import { rejectGate } from './reject-gate.ts';

const BATCH = 50;
const POLL_MS = 1000;

/** Decides gates when a vote arrives; a gate opens by votes alone, and closes by its time only as rejected. */
export function createGateService(deps: GateDeps & { wake: Wake }): Service {
  return async (signal) => {
    while (!signal.aborted) {
      const sequence = deps.wake.sequence();
      for (const id of await listGatesToDecide(deps.db, BATCH)) {
        await decideGate(deps, id, signal);
      }
      await expireGates(deps);
      await tieLooseEnds(deps);
      await deps.wake.wait(sequence, POLL_MS, signal);
    }
  };
}

/** Ends what nobody decided in time. Answers how many gates were looked at. */
export async function expireGates(deps: Pick<GateDeps, 'db' | 'log'>): Promise<number> {
  const expired = await listExpiredGates(deps.db, BATCH);
  for (const id of expired) {
    await contain(deps, { sweep: 'gate_expiry', rowId: id }, () =>
      deps.db.transaction((tx) => expire(tx, id)),
    );
  }
  return expired.length;
}

/**
 * Looks at a gate's votes and carries out what they say, with the job, its merge request and the gate locked in this
 * order: two orchestrators, or a vote and a merge by hand, cannot both act on it. What stands in the way of carrying
 * it out (a working copy with changes in it) undoes what was begun, is kept on the gate, and the next vote tries again.
 * A bug is kept there too, and tried again by itself: it must not crash every orchestrator that sees this vote.
 */
export async function decideGate(deps: GateDeps, id: number, signal: AbortSignal): Promise<void> {
  const { db, log } = deps;
  let seen: Vote | undefined;
  try {
    await db.transaction(async (tx) => {
      const gate = await lockDecidable(tx, id);
      const votes = gate ? await listVotes(tx, id) : [];
      seen = votes.at(-1);
      if (gate && seen) {
        await carryOutDecision(deps, tx, { gate, votes }, signal);
        await recordDecision(tx, id, { lastVote: seen.id });
      }
    });
    await clearSetback(db, { sweep: 'vote', rowId: id });
  } catch (error) {
    if (signal.aborted || (error instanceof AppError && isOfDatabase(error))) {
      throw error;
    }
    let problem = error;
    if (error instanceof AppError) {
      log.warn({ err: error, gateId: id }, 'a decision could not be carried out');
    } else {
      // The voter hears of it at once; we try again without them.
      await setAside(deps, { sweep: 'vote', rowId: id }, error);
      problem = new AppError('INTERNAL', 'the decision failed inside: see the log', {
        remedy: 'It is tried again by itself; please report what the log says.',
      });
    }
    if (seen && problem instanceof AppError) {
      await keepProblem(db, id, { error: problem, lastVote: seen.id });
    }
  }
  await notifyWork(db);
}

/**
 * Nothing that a person could do anything about: the vote is looked at again when the database answers. A working
 * copy in which another git works is BUSY too, and that the voter is told.
 */
function isOfDatabase({ code, cause }: AppError): boolean {
  const lost = cause instanceof Error && 'code' in cause && /^(40|55)/.test(String(cause.code));
  return code === 'DATABASE_UNAVAILABLE' || (code === 'BUSY' && lost);
}

async function keepProblem(
  db: Db,
  gateId: number,
  { error: { code, message, remedy }, lastVote }: { error: AppError; lastVote: number },
): Promise<void> {
  await db.transaction(async (tx) => {
    if (await lockOpenGate(tx, gateId)) {
      const problem = { code, message, ...(remedy !== undefined && { remedy }), voteId: lastVote };
      await recordDecision(tx, gateId, { lastVote, problem });
    }
  });
}

/**
 * Nobody decided in time: that ends as rejected, never as approved. A budget whose window is over needs no answer any
 * more: the next one begins at nothing.
 */
async function expire(tx: Queryable, id: number): Promise<void> {
  const gate = await lockDecidable(tx, id);
  if (!gate) {
    return;
  }
  if (gate.kind === 'budget' && (await isWindowOver(tx, id))) {
    const note = 'Its window is over, and a new one has begun.';
    await closeGate(tx, id, { state: 'superseded', by: 'autodev', note });
    await pokeWaiters(tx, gate);
    return;
  }
  const note = 'Nobody decided in time.';
  await rejectGate(tx, gate, { by: 'autodev', note, reason: 'expired' });
}
