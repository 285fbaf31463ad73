import { writeAudit } from '../db/audit.ts';
import type { Db, Queryable } from '../db/db.ts';
import { notifyWork } from '../db/enqueue.ts';
import type { Gate, Vote } from '../db/gates.ts';
import {
  closeGate,
  getGate,
  listExpiredGates,
  listGatesToDecide,
  listVotes,
  lockOpenGate,
  recordDecision,
} from '../db/gates.ts';
import { lockJob } from '../db/job-locks.ts';
import { lockMergeRequest } from '../db/merge-requests.ts';
import { wakeJob } from '../db/promote.ts';
import type { Wake } from '../db/wake.ts';
import type { ApprovalVerdict } from '../domain/approval-verdict.ts';
import { decideApproval } from '../domain/approval-verdict.ts';
import type { GateKind } from '../domain/spec.ts';
import type { Forge } from '../forge/forge.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import type { Service } from '../kernel/service.ts';
import { answerGate } from './answer-gate.ts';
import { tieLooseEnds } from './loose-ends.ts';
import { mergeApproved } from './merge.ts';
import { rejectGate } from './reject-gate.ts';
import { sendBack } from './send-back.ts';

const BATCH = 50;
const POLL_MS = 1000;

export interface GateDeps {
  db: Db;
  clock: Clock;
  log: Log;
  forge: Forge;
  /** The operating-system user of local mode, whose one vote meets every rule. */
  operator: string;
  matches: (glob: string, path: string) => boolean;
}

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
export async function expireGates({ db }: Pick<GateDeps, 'db'>): Promise<number> {
  const expired = await listExpiredGates(db, BATCH);
  for (const id of expired) {
    await db.transaction((tx) => expire(tx, id));
  }
  return expired.length;
}

/**
 * Looks at a gate's votes and carries out what they say, with the job, its merge request and the gate locked in this
 * order: two orchestrators, or a vote and a merge by hand, cannot both act on it. What stands in the way of carrying
 * it out (a working copy with changes in it) undoes what was begun, is kept on the gate, and the next vote tries again.
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
        await act(deps, tx, { gate, votes }, signal);
        await recordDecision(tx, id, { lastVote: seen.id });
      }
    });
  } catch (error) {
    if (!(error instanceof AppError) || isOfDatabase(error) || signal.aborted) {
      throw error;
    }
    log.warn({ err: error, gateId: id }, 'a decision could not be carried out');
    if (seen) {
      await keepProblem(db, id, { error, lastVote: seen.id });
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

/** The gate, locked behind its job; undefined when it is closed or cannot be decided yet. */
async function lockDecidable(tx: Queryable, id: number): Promise<Gate | undefined> {
  const { jobId, mergeRequestId } = await getGate(tx, id);
  const job = jobId === null ? undefined : await lockJob(tx, jobId);
  // While its job runs or publishes, what would be decided is not complete; of one that ended nothing is left to ask.
  if (jobId !== null && (!job || job.state === 'running' || job.state === 'publishing')) {
    return undefined;
  }
  if (mergeRequestId !== null) {
    await lockMergeRequest(tx, mergeRequestId);
  }
  return lockOpenGate(tx, id);
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

interface Decision {
  readonly gate: Gate;
  readonly votes: readonly Vote[];
}

async function act(
  deps: GateDeps,
  tx: Queryable,
  decision: Decision,
  signal: AbortSignal,
): Promise<undefined> {
  const { gate, votes } = decision;
  const { kind } = gate;
  switch (kind) {
    case 'question':
    case 'budget':
    case 'rounds': {
      const own = votes.findLast(({ voter }) => voter === deps.operator);
      if (own) {
        await answerGate(tx, gate, own);
      }
      return undefined;
    }
    case 'run':
    case 'merge':
    case 'config':
      break;
    default:
      return kind satisfies never;
  }

  const verdict = judge(deps, decision, kind);
  const vote = decidingVote(verdict, votes);
  if (!vote) {
    return undefined;
  }
  switch (verdict.decision) {
    case 'waiting':
      return undefined;
    case 'approved':
      return kind === 'merge'
        ? mergeApproved(deps, tx, { gate, by: vote.voter, self: verdict.self }, signal)
        : startApproved(tx, gate, vote);
    case 'rejected':
      return rejectGate(tx, gate, {
        by: vote.voter,
        note: vote.note ?? `Rejected by ${vote.voter}.`,
      });
    case 'changes':
      return sendBack(tx, gate, vote);
    default:
      return verdict.decision satisfies never;
  }
}

/** The vote that made the verdict what it is: others may have come after it that do not count. */
function decidingVote(
  { decision, by, rules }: ApprovalVerdict,
  votes: readonly Vote[],
): Vote | undefined {
  const choice = {
    approved: 'approve',
    rejected: 'reject',
    changes: 'changes',
    waiting: undefined,
  };
  const approvers = new Set(rules.flatMap(({ approvers: ids }) => ids));
  return votes.findLast(
    ({ voter, verdict }) =>
      verdict === choice[decision] && (by === undefined ? approvers.has(voter) : voter === by),
  );
}

function judge(
  { operator, matches }: GateDeps,
  { gate, votes }: Decision,
  kind: GateKind,
): ApprovalVerdict {
  const rules = Object.fromEntries(gate.rules.map(({ name, rule }) => [name, rule]));
  return decideApproval({
    gate: kind,
    // The rules were chosen when the gate opened; by what they match is not asked again.
    rules: Object.fromEntries(
      Object.entries(rules).map(([name, rule]) => [name, { ...rule, paths: [], agents: [] }]),
    ),
    head: gate.head ?? '',
    paths: [],
    votes: votes.flatMap(({ id, voter, verdict, head }) =>
      verdict === 'answer'
        ? []
        : [{ id: String(id), by: voter, choice: verdict, head: head ?? '' }],
    ),
    people: [],
    authors: new Set(),
    requesters: new Set(gate.requesters),
    operator,
    matches,
  });
}

async function startApproved(tx: Queryable, gate: Gate, { voter, note }: Vote): Promise<undefined> {
  await closeGate(tx, gate.id, {
    state: 'approved',
    by: voter,
    ...(note !== null && { note }),
  });
  await writeAudit(tx, {
    actor: voter,
    action: 'gate.approved',
    target: `g_${gate.id}`,
    repoId: gate.repoId,
    detail: { kind: gate.kind },
  });
  if (gate.jobId !== null) {
    await wakeJob(tx, gate.jobId, { from: 'gate', actor: voter });
  }
}

/** Nobody decided in time: that ends as rejected, never as approved. */
async function expire(tx: Queryable, id: number): Promise<void> {
  const gate = await lockDecidable(tx, id);
  if (gate) {
    const note = 'Nobody decided in time.';
    await rejectGate(tx, gate, { by: 'autodev', note, reason: 'expired' });
  }
}
