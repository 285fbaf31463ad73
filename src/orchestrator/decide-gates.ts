import { writeAudit } from '../db/audit.ts';
import type { Db, Queryable } from '../db/db.ts';
import { notifyWork } from '../db/enqueue.ts';
import type { Gate, Vote } from '../db/gates.ts';
import {
  closeGate,
  listExpiredGates,
  listGatesToDecide,
  listVotes,
  lockOpenGate,
  recordDecision,
} from '../db/gates.ts';
import { getJob } from '../db/job-rows.ts';
import { moveToFinal, wakeJob } from '../db/promote.ts';
import type { Wake } from '../db/wake.ts';
import type { ApprovalVerdict } from '../domain/approval-verdict.ts';
import { decideApproval } from '../domain/approval-verdict.ts';
import type { GateKind } from '../domain/spec.ts';
import type { Forge } from '../forge/forge.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import type { Service } from '../kernel/service.ts';
import { mergeApproved, rejectMergeRequest } from './merge.ts';
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
      for (const id of await listExpiredGates(deps.db, BATCH)) {
        await deps.db.transaction((tx) => expire(tx, id));
      }
      await deps.wake.wait(sequence, POLL_MS, signal);
    }
  };
}

/**
 * Looks at a gate's votes and carries out what they say, under the gate's row lock: two orchestrators, or a vote
 * and a merge by hand, cannot both act on it. What stands in the way of carrying it out (a working copy with
 * changes in it) is kept on the gate, and the next vote tries again.
 */
export async function decideGate(deps: GateDeps, id: number, signal: AbortSignal): Promise<void> {
  const { db, log } = deps;
  const after = await db.transaction(async (tx) => {
    const gate = await lockOpenGate(tx, id);
    const votes = gate ? await listVotes(tx, id) : [];
    const last = votes.at(-1);
    if (!gate || !last) {
      return undefined;
    }
    try {
      const finish = await act(deps, tx, { gate, votes, last }, signal);
      await recordDecision(tx, id, { lastVote: last.id });
      return finish;
    } catch (error) {
      if (!(error instanceof AppError)) {
        throw error;
      }
      const { code, message, remedy } = error;
      await recordDecision(tx, id, {
        lastVote: last.id,
        problem: { code, message, ...(remedy !== undefined && { remedy }), voteId: last.id },
      });
      log.warn({ err: error, gateId: id }, 'a decision could not be carried out');
      return undefined;
    }
  });
  await after?.();
  await notifyWork(db);
}

interface Decision {
  readonly gate: Gate;
  readonly votes: readonly Vote[];
  readonly last: Vote;
}

/** Answers what is to be done after the commit, if anything. */
async function act(
  deps: GateDeps,
  tx: Queryable,
  decision: Decision,
  signal: AbortSignal,
): Promise<(() => Promise<void>) | undefined> {
  const { gate, last } = decision;
  const { kind } = gate;
  switch (kind) {
    case 'question':
    case 'budget':
    case 'rounds':
      await answer(tx, gate, last);
      return undefined;
    case 'run':
    case 'merge':
    case 'config':
      break;
    default:
      kind satisfies never;
  }

  const verdict = judge(deps, decision, kind);
  switch (verdict.decision) {
    case 'waiting':
      return undefined;
    case 'approved':
      return kind === 'merge'
        ? mergeApproved(deps, tx, { gate, by: last.voter, self: verdict.self }, signal)
        : startApproved(tx, gate, last);
    case 'rejected':
      await closeGate(tx, gate.id, { state: 'rejected', by: last.voter, note: last.note ?? '' });
      await rejectMergeRequest(tx, gate, last);
      return undefined;
    case 'changes':
      await sendBack(tx, gate, last);
      return undefined;
    default:
      return verdict.decision satisfies never;
  }
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
  await closeGate(tx, gate.id, { state: 'approved', by: voter, note: note ?? '' });
  if (gate.jobId !== null) {
    await wakeJob(tx, gate.jobId, { from: 'gate', actor: voter });
  }
  await writeAudit(tx, {
    actor: voter,
    action: 'gate.approved',
    target: `g_${gate.id}`,
    repoId: gate.repoId,
    detail: { kind: gate.kind },
  });
}

/** An answer queues the same job again; approving without a word says "go on", rejecting ends the job. */
async function answer(tx: Queryable, gate: Gate, vote: Vote): Promise<void> {
  const rejected = vote.verdict === 'reject';
  await closeGate(tx, gate.id, {
    state: rejected ? 'rejected' : 'answered',
    by: vote.voter,
    note: vote.note ?? '',
  });
  await writeAudit(tx, {
    actor: vote.voter,
    action: rejected ? 'gate.rejected' : 'gate.answered',
    target: `g_${gate.id}`,
    repoId: gate.repoId,
    detail: { kind: gate.kind, note: vote.note },
  });
  if (gate.jobId === null) {
    return;
  }
  if (rejected) {
    await moveToFinal(tx, gate.jobId, {
      from: 'waiting',
      to: 'rejected',
      actor: vote.voter,
      ...(vote.note !== null && { detail: vote.note }),
    });
    return;
  }
  const input = {
    kind: 'answer',
    author: vote.voter,
    text: vote.note ?? 'Go on.',
    at: vote.at.toISOString(),
  } as const;
  await wakeJob(tx, gate.jobId, { from: 'question', input, actor: vote.voter });
}

async function expire(tx: Queryable, id: number): Promise<void> {
  const gate = await lockOpenGate(tx, id);
  if (!gate) {
    return;
  }
  await closeGate(tx, id, { state: 'expired', by: 'autodev', note: 'Nobody decided in time.' });
  const job = gate.jobId === null ? undefined : await getJob(tx, gate.jobId);
  if (job && (job.state === 'waiting' || job.state === 'review')) {
    await moveToFinal(tx, job.id, {
      from: job.state,
      to: 'rejected',
      detail: 'Nobody decided in time.',
    });
  }
}
