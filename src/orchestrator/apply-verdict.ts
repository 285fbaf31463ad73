import { writeAudit } from '../db/audit.ts';
import type { Queryable } from '../db/db.ts';
import { recordEvents } from '../db/events.ts';
import { holdsReview } from '../db/forge-reviews.ts';
import { closeGate, insertVote, lockOpenGate, moveGate, type Gate } from '../db/gates.ts';
import { isPublishing } from '../db/job-chain.ts';
import { lockJob } from '../db/job-locks.ts';
import { closeMergeRequest, lockMergeRequest, moveMergeRequest } from '../db/merge-requests.ts';
import { wakeJob } from '../db/promote.ts';
import type { MergeRequestFacts } from '../domain/forge-facts.ts';
import type { ForgeCount, ForgeVerdict } from '../domain/forge-question.ts';
import type { ForgeVote } from '../domain/forge-votes.ts';
import { lowest, type Role } from '../domain/role.ts';
import { recordMerged } from './merge.ts';
import { recordBypassed } from './record-bypass.ts';
import { rejectGate } from './reject-gate.ts';
import type { ReviewContext } from './review-context.ts';
import { sendBack } from './send-back.ts';

/** Names for people, and the words to send work back with. */
interface Said {
  readonly facts: MergeRequestFacts;
  /** The open threads as text, for whoever works on. */
  readonly threads: string;
  /** The lowest role of those who wrote in them. */
  readonly trust: Role;
}

/**
 * Writes down what people decided, in the transaction that holds the lease of the look. False when something is not
 * as it was when it was read: then nothing is written, and it is looked at again.
 */
export async function applyVerdict(
  tx: Queryable,
  { row, request: seen, gate: seenGate }: ReviewContext,
  verdict: ForgeVerdict,
  { facts, threads, trust }: Said,
): Promise<boolean> {
  const jobId = seen?.jobId ?? seenGate?.jobId ?? undefined;
  const job = jobId === undefined ? undefined : await lockJob(tx, jobId);
  const request = seen && (await lockMergeRequest(tx, seen.id));
  const isStale = seen && (request?.head !== seen.head || request.jobId !== seen.jobId);
  if (isStale || (seen && request?.state !== 'open')) {
    return false;
  }
  if (request && (await isPublishing(tx, request.id))) {
    return false;
  }
  // Behind the job: who publishes locks them in this order too.
  if (!(await holdsReview(tx, row))) {
    return false;
  }
  const gate = seenGate && (await lockOpenGate(tx, seenGate.id));
  if (seenGate && (!gate || gate.head !== seenGate.head)) {
    return false;
  }
  const name = (id: string | undefined): string => nameOf(facts, id);

  switch (verdict.state) {
    case 'moved':
      if (request) {
        await moveMergeRequest(tx, request.id, verdict.head);
        await recordEvents(tx, [
          {
            repoId: request.repoId,
            type: 'merge_request_updated',
            key: `merge_request:${request.id}:${verdict.head}`,
            payload: {
              merge_request: {
                id: request.id,
                number: request.number,
                title: request.title,
                description: request.description,
                branch: request.branch,
              },
              sha: verdict.head,
              actor: verdict.by.map(name).join(', '),
              ...(job && { agent: job.agent }),
            },
          },
        ]);
      }
      // The head of a `run` gate is the hash of what asked for it, and a proposal is not to be pushed to.
      if (gate && row.kind !== 'run') {
        await moveGate(tx, gate.id, verdict.head);
      }
      return true;
    case 'changes':
    case 'rejected': {
      if (!gate) {
        return true;
      }
      const { vote, count } = verdict;
      const stored = await recordVotes(tx, gate, count, facts);
      const by = name(vote.by);
      if (verdict.state === 'rejected') {
        await rejectGate(tx, gate, { by, note: vote.text ?? `Rejected by ${by}.` });
        return true;
      }
      const note = [vote.text ?? '', threads].filter(Boolean).join('\n\n');
      const asked = { ...rowOf(vote, facts), id: stored.get(vote.id) ?? 0, note, at: vote.at };
      await sendBack(tx, gate, asked, { trust: lowest(roleOf(facts, vote.by), trust) });
      return true;
    }
    case 'approved':
      // A merge is not written down before it is made; what is no merge begins now.
      if (gate && row.kind !== 'merge') {
        await recordVotes(tx, gate, verdict.count, facts);
        await openApproved(tx, gate, approversOf(verdict.count, facts));
      }
      return true;
    case 'merged': {
      const by = name(verdict.by);
      if (gate) {
        await recordVotes(tx, gate, verdict.count, facts);
      }
      if (!request) {
        return settleOwnGate(tx, gate, verdict, facts);
      }
      const commit = verdict.commit ?? verdict.head;
      if (verdict.approval === 'bypassed') {
        await recordBypassed(tx, {
          request,
          gate,
          commit,
          by,
          why: verdict.why,
          agent: job?.agent,
        });
        return true;
      }
      if (gate) {
        await closeGate(tx, gate.id, { state: 'approved', by });
      }
      await recordMerged(tx, {
        request: { ...request, head: verdict.head },
        gate,
        commit,
        by,
        detail: { where: 'forge', approvers: approversOf(verdict.count, facts) },
      });
      return true;
    }
    case 'closed': {
      const by = name(verdict.by);
      const note = `!${facts.number} was closed unmerged.`;
      if (request) {
        await closeMergeRequest(tx, request.id, { state: 'closed' });
      }
      if (gate) {
        await rejectGate(tx, gate, { by, note });
      }
      return true;
    }
    case 'waiting':
    case 'unsettled':
    case 'foreign':
      return true;
    default:
      return verdict satisfies never;
  }
}

/** A gate that has no work to merge: what waited at it begins, or the change of the file counts as approved. */
async function openApproved(tx: Queryable, gate: Gate, by: readonly string[]): Promise<void> {
  await closeGate(tx, gate.id, { state: 'approved', by: by.join(', ') });
  await writeAudit(tx, {
    actor: by[0] ?? 'autodev',
    action: 'gate.approved',
    target: `g_${gate.id}`,
    repoId: gate.repoId,
    detail: { kind: gate.kind, approvers: by, head: gate.head },
  });
  if (gate.jobId !== null) {
    await wakeJob(tx, gate.jobId, { from: 'gate', ...(by[0] !== undefined && { actor: by[0] }) });
  }
}

async function settleOwnGate(
  tx: Queryable,
  gate: Gate | undefined,
  verdict: Extract<ForgeVerdict, { state: 'merged' }>,
  facts: MergeRequestFacts,
): Promise<boolean> {
  if (!gate) {
    return true;
  }
  if (verdict.approval === 'met') {
    await openApproved(tx, gate, approversOf(verdict.count, facts));
  } else if (gate.kind === 'run') {
    const by = nameOf(facts, verdict.by);
    await rejectGate(tx, gate, { by, note: `Merged below its rule: ${verdict.why.join(' ')}` });
  } else {
    // Of a file the last good one stays in force; votes are taken on what was merged.
    await writeAudit(tx, {
      actor: nameOf(facts, verdict.by),
      action: 'approval.bypassed',
      target: `!${facts.number}`,
      repoId: gate.repoId,
      detail: { gate: `g_${gate.id}`, commit: verdict.commit, why: verdict.why },
    });
  }
  return true;
}

/** The votes that were counted, as rows: what the decision rests on stays readable. Answers their ids. */
async function recordVotes(
  tx: Queryable,
  gate: Gate,
  { votes, approval }: ForgeCount,
  facts: MergeRequestFacts,
): Promise<Map<string, number>> {
  const lost = new Set(approval.discounted.map(({ vote }) => vote.id));
  const stored = new Map<string, number>();
  for (const vote of votes.filter(({ id }) => !lost.has(id))) {
    stored.set(vote.id, await insertVote(tx, gate.id, rowOf(vote, facts)));
  }
  return stored;
}

function rowOf(vote: ForgeVote, facts: MergeRequestFacts): Parameters<typeof insertVote>[2] {
  return {
    voter: nameOf(facts, vote.by),
    role: roleOf(facts, vote.by),
    verdict: vote.choice,
    head: vote.head,
    note: vote.text ?? null,
    self: false,
    via: vote.via,
  };
}

/** Names of those whose approval counted. */
export function approversOf({ approval }: ForgeCount, facts: MergeRequestFacts): string[] {
  const ids = new Set(approval.rules.flatMap(({ approvers }) => approvers));
  return [...ids].map((id) => nameOf(facts, id));
}

export function nameOf({ people }: MergeRequestFacts, id: string | undefined): string {
  return people.find((one) => one.id === id)?.username ?? 'somebody';
}

function roleOf({ people }: MergeRequestFacts, id: string): Role {
  return people.find((one) => one.id === id)?.role ?? 'outsider';
}
