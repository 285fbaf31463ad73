import type { Queryable } from '../db/db.ts';
import { insertEffects, type NewEffect } from '../db/effects.ts';
import { notifyWork } from '../db/enqueue.ts';
import { noteReview, type ForgeReview, type ReviewOutcome } from '../db/forge-reviews.ts';
import { automaticRound } from '../domain/automatic-round.ts';
import type { ForgeVerdict } from '../domain/forge-question.ts';
import { decideForgeVotes } from '../domain/forge-verdict.ts';
import { reviewNote } from '../domain/review-note.ts';
import { isAtLeast, lowest, type Role } from '../domain/role.ts';
import { barred } from '../domain/sanitize.ts';
import type { ReadVotes } from '../forge/votes.ts';
import { AppError } from '../kernel/errors.ts';
import { applyVerdict, approversOf, nameOf } from './apply-verdict.ts';
import { carryOutCommands } from './note-commands.ts';
import { remindPeople } from './remind-people.ts';
import { groupsOf, loadReview, questionOf, type ReviewContext } from './review-context.ts';
import type { ReviewDeps } from './review-deps.ts';
import { sendBack } from './send-back.ts';

/** Without a word from a hook. */
const LOOK_EVERY_MS = 60_000;
const SOON_MS = 2000;

/** Reads a merge request whole, decides, and carries out what follows. */
export async function lookAtReview(
  deps: ReviewDeps,
  row: ForgeReview,
  signal: AbortSignal,
): Promise<void> {
  const { db, review } = deps;
  const context = await loadReview(db, row);
  if (!context) {
    await db.transaction((tx) => noteReview(tx, row, { againMs: SOON_MS }));
    return;
  }
  if (context.over) {
    // Ended here, by a decision or because its job did: GitLab is told, and the branch stays.
    await review.closeMergeRequest(row.repo, row.number, signal);
    await db.transaction(async (tx) => {
      await noteReview(tx, row, { done: true });
      if (row.kind === 'run') {
        await insertEffects(tx, [deleteProposal(row)]);
      }
    });
    return;
  }

  const read = await readAll(deps, context, signal);
  const verdict = cleared(row, read, decideForgeVotes(questionOf(deps, context, read)));
  await settleThreads(deps, context, read, signal);
  await say(deps, context, { read, verdict }, signal);
  await remindPeople(deps, context, verdict, signal);
  if (verdict.state === 'approved' && verdict.mergeable && context.gate) {
    await merge(deps, context, verdict, signal);
    return;
  }
  const handled = await carryOutCommands(deps, context, { read, verdict }, signal);
  const threads = threadsText(read);
  const outcome: ReviewOutcome = {
    verdict: summaryOf(verdict, read),
    // It must not be heard a second time when the work that it asked for changed nothing.
    handled: [...handled, ...(verdict.state === 'changes' ? [verdict.vote.note ?? ''] : [])],
    againMs: againMs(verdict),
    ...(verdict.state === 'changes' && { threads: threads.ids }),
  };
  await db.transaction(async (tx) => {
    const applied = await applyVerdict(tx, context, verdict, {
      facts: read.facts,
      threads: threads.text,
      trust: threads.trust,
    });
    if (applied && context.gate && (verdict.state === 'waiting' || verdict.state === 'approved')) {
      await sendBackItself(tx, context, read);
    }
    await noteReview(tx, row, {
      ...outcome,
      ...(applied ? { done: isOver(verdict, context) } : { againMs: SOON_MS }),
    });
  });
  await notifyWork(db);
}

/** A proposal that was decided leaves nothing behind. */
function deleteProposal({ repo, gateId, published }: ForgeReview): NewEffect {
  return {
    repoId: repo.id,
    jobId: null,
    attempt: null,
    position: 1,
    type: 'delete_branch',
    payload: { branch: `autodev/run/g-${gateId}`, head: published.at(-1) ?? '' },
    key: `delete_branch:g_${gateId}`,
    staged: false,
  };
}

function readAll(
  { votes }: ReviewDeps,
  { row, spec, requesters }: ReviewContext,
  signal: AbortSignal,
): Promise<ReadVotes> {
  const { repo, number, published } = row;
  return votes.readVotes(repo, number, { published, requesters, groups: groupsOf(spec) }, signal);
}

/**
 * Merges exactly the head that was approved, after one more look at all of it. That it is merged is written down by
 * the next look, which sees it: so nothing is lost when we stop in between.
 */
async function merge(
  deps: ReviewDeps,
  context: ReviewContext,
  before: Extract<ForgeVerdict, { state: 'approved' }>,
  signal: AbortSignal,
): Promise<void> {
  const { db, forge } = deps;
  const { row, request } = context;
  const read = await readAll(deps, context, signal);
  const again = decideForgeVotes(questionOf(deps, context, read));
  const same = again.state === 'approved' && again.mergeable && again.head === before.head;
  if (same && request) {
    await db.transaction((tx) => noteReview(tx, row, { cleared: again.head }));
    const by = approversOf(again.count, read.facts);
    const message = `Merge ${request.branch}: ${request.title}\n\n${by.map((name) => `Approved-by: ${name}`).join('\n')}`;
    await forge.merge(row.repo, { branch: request.branch, head: again.head, message }, signal);
  }
  await db.transaction((tx) => noteReview(tx, row, { againMs: same ? 0 : SOON_MS }));
}

/** Our own merge of what was approved is met by the votes of that moment, whatever became of the voters since. */
function cleared(row: ForgeReview, { bot }: ReadVotes, verdict: ForgeVerdict): ForgeVerdict {
  const ours = verdict.state === 'merged' && verdict.by === bot && verdict.head === row.cleared;
  return ours ? { ...verdict, approval: 'met', why: [] } : verdict;
}

/** Threads of people who may ask for changes; what others wrote there is not passed on. */
function threadsText({ threads, facts }: ReadVotes): { ids: string[]; text: string; trust: Role } {
  const roles = new Map(
    facts.people
      .filter(({ role, active }) => active && isAtLeast(role, 'developer'))
      .map(({ username, role }) => [username, role]),
  );
  const own = threads.filter(({ notes }) => notes.every(({ author }) => roles.has(author)));
  const texts = own.map(({ place, notes }) =>
    [
      `Open thread${place === undefined ? '' : ` at ${place}`}:`,
      ...notes.map(({ author, text }) => `${author}:\n${barred(text)}`),
    ].join('\n'),
  );
  const authors = own.flatMap(({ notes }) => notes.map(({ author }) => roles.get(author)));
  return {
    ids: own.map(({ id }) => id),
    text: texts.join('\n\n'),
    trust: lowest('owner', ...authors.filter((role) => role !== undefined)),
  };
}

/** Says in the threads that were sent back which commit settles them, once it is there. */
async function settleThreads(
  { db, votes }: ReviewDeps,
  { row, head, job }: ReviewContext,
  { facts }: ReadVotes,
  signal: AbortSignal,
): Promise<void> {
  const published = row.published.at(-1);
  const isNew = published === head && facts.head === head && row.published.length > 1;
  if (row.threads.length === 0 || !isNew || job?.state !== 'review') {
    return;
  }
  for (const thread of row.threads) {
    const text = `Settled in ${head}. Resolve it when you agree.`;
    const marker = `settled:${head.slice(0, 12)}`;
    const { repo, number } = row;
    await votes.answerThread(repo, { number, thread, marker, text, resolve: false }, signal);
  }
  await db.transaction((tx) => noteReview(tx, row, { threads: [] }));
}

/** Work whose pipeline failed or that conflicts goes back without a person, a few times. The caller holds the locks. */
async function sendBackItself(
  tx: Queryable,
  { gate, job, spec, head }: ReviewContext,
  { facts, now }: ReadVotes,
): Promise<void> {
  const check = job && spec.agents[job.agent]?.check;
  const note = job && automaticRound(facts, { check, input: job.input });
  if (note === undefined || gate?.kind !== 'merge' || job?.state !== 'review') {
    return;
  }
  const asked = {
    id: 0,
    voter: 'autodev',
    role: 'autodev',
    verdict: 'changes',
    head,
    note,
  } as const;
  await sendBack(tx, gate, { ...asked, self: false, via: 'note', at: now });
}

/** Keeps our one note there, and the status of the commit, equal to the verdict. */
async function say(
  { db, review }: ReviewDeps,
  { row, spec, gate, job }: ReviewContext,
  { read, verdict }: { read: ReadVotes; verdict: ForgeVerdict },
  signal: AbortSignal,
): Promise<void> {
  const { facts } = read;
  if (verdict.state === 'unsettled' || verdict.state === 'moved' || !gate) {
    return;
  }
  const body = reviewNote(verdict, {
    name: (id) => nameOf(facts, id),
    auto: row.kind === 'merge' && spec.merge === 'auto',
  });
  const text = `${facts.head}\n${body}`;
  if (text === row.said) {
    return;
  }
  const { repo, number } = row;
  const target = { kind: 'merge_request', number } as const;
  await review.putNote(repo, { target, marker: 'approval', body }, signal);
  const isApproved =
    verdict.state === 'approved' || (verdict.state === 'merged' && verdict.approval === 'met');
  // Where the pipeline is the check, a failure of ours would look like one of the work's.
  const isCheck = job !== undefined && spec.agents[job.agent]?.check === 'pipeline';
  // Without a pipeline a status of ours would make one, and it would be the successful one that we wait for.
  if (facts.pipeline?.sha === facts.head && facts.pipeline && (isApproved || !isCheck)) {
    const missing = verdict.state === 'waiting' ? verdict.missing.join(' ') : verdict.state;
    const status = {
      name: 'autodev/approval',
      state: isApproved ? ('success' as const) : ('failed' as const),
      description: isApproved ? 'The rules are met.' : missing,
      branch: facts.source,
    };
    await review.setStatus(repo, { sha: facts.pipeline.sha, status }, signal).catch(skipRefused);
  }
  await db.transaction((tx) => noteReview(tx, row, { said: text }));
}

/** A status is a courtesy: a pipeline that takes none does not keep people's votes from counting. */
function skipRefused(error: unknown): void {
  if (!(error instanceof AppError) || error.retryable) {
    throw error;
  }
}

function isOver(verdict: ForgeVerdict, { row }: ReviewContext): boolean {
  // A file that was merged below its rule can still be voted on.
  const bypassed = verdict.state === 'merged' && verdict.approval === 'bypassed';
  return (
    verdict.state === 'closed' ||
    (verdict.state === 'merged' && !(row.kind === 'config' && bypassed))
  );
}

function againMs(verdict: ForgeVerdict): number {
  switch (verdict.state) {
    case 'unsettled':
      return Math.max(250, verdict.againMs);
    case 'moved':
    case 'rejected':
      return 0;
    case 'approved':
    case 'changes':
      return SOON_MS * 5;
    case 'waiting':
    case 'foreign':
    case 'merged':
    case 'closed':
      return LOOK_EVERY_MS;
    default:
      return verdict satisfies never;
  }
}

/** What the last look came to, for people and for the trace. */
function summaryOf(verdict: ForgeVerdict, { facts }: ReadVotes): Record<string, unknown> {
  const count = 'count' in verdict ? verdict.count : undefined;
  return {
    state: verdict.state,
    head: facts.head,
    ...('missing' in verdict && { missing: verdict.missing }),
    ...('why' in verdict && { why: verdict.why }),
    ...(count && { approvers: approversOf(count, facts) }),
    discounted: verdict.discounted.map(({ by, sentence }) => ({ by: nameOf(facts, by), sentence })),
  };
}
