import type { Db } from '../db/db.ts';
import { findBindings, type ForgeReview } from '../db/forge-reviews.ts';
import { findOpenMergeGate, getGate, type Gate } from '../db/gates.ts';
import { getJob, type JobRow } from '../db/job-rows.ts';
import { findMergeRequest, type MergeRequest } from '../db/merge-requests.ts';
import { requestersOf } from '../db/requesters.ts';
import { findRevisionInForce } from '../db/revisions.ts';
import type { ForgeQuestion, NameBindings } from '../domain/forge-question.ts';
import { QUIET_MS } from '../domain/forge-verdict.ts';
import type { RepoSpec } from '../domain/spec.ts';
import type { ReadVotes } from '../forge/votes.ts';
import type { ReviewDeps } from './review-deps.ts';

/** What we know of a merge request before it is read. */
export interface ReviewContext {
  readonly row: ForgeReview;
  readonly spec: RepoSpec;
  readonly bindings: NameBindings;
  /** Of an agent's work. */
  readonly request: MergeRequest | undefined;
  readonly job: JobRow | undefined;
  /** Undefined while a job works on it: what people say then waits. */
  readonly gate: Gate | undefined;
  readonly head: string;
  readonly requesters: readonly string[];
  /** On our side it has ended, and how. */
  readonly over: 'merged' | 'closed' | undefined;
}

/** Undefined where no file is in force, or its names are not bound yet: then nobody can be asked. */
export async function loadReview(db: Db, row: ForgeReview): Promise<ReviewContext | undefined> {
  const revision = await findRevisionInForce(db, row.repo.id);
  const bindings = revision && (await findBindings(db, revision.id));
  if (!revision || !bindings) {
    return undefined;
  }
  const own = row.gateId === null ? undefined : await getGate(db, row.gateId);
  const request =
    row.mergeRequestId === null ? undefined : await findMergeRequest(db, row.mergeRequestId);
  const gate = own ?? (request && (await findOpenMergeGate(db, request.id)));
  const jobId = request?.jobId ?? gate?.jobId ?? undefined;
  const job = jobId === undefined ? undefined : await getJob(db, jobId);
  const chain = job ? await requestersOf(db, job.rootId) : [];
  const isOver = request ? request.state !== 'open' : gate?.state !== 'open';
  return {
    row,
    spec: revision.spec,
    bindings,
    request,
    job,
    gate: gate?.state === 'open' ? gate : undefined,
    head: request?.head ?? row.published.at(-1) ?? gate?.head ?? '',
    requesters: [...new Set([...chain, ...(gate?.requesters ?? [])])],
    over: isOver ? (request?.state === 'merged' ? 'merged' : 'closed') : undefined,
  };
}

/** What the pure verdict is asked. */
export function questionOf(
  { identities, matches }: Pick<ReviewDeps, 'identities' | 'matches'>,
  { row, spec, bindings, job, head, requesters }: ReviewContext,
  { facts, bot, now }: ReadVotes,
): ForgeQuestion {
  return {
    gate: row.kind,
    request: facts,
    ours: { bot, identities, published: row.published },
    expected: { head, target: row.repo.branch },
    rules: spec.approvals,
    ...(job && { agent: job.agent }),
    // A proposal is closed when it is decided, and a person's change is theirs to merge.
    merge: row.kind === 'merge' ? spec.merge : 'human',
    requesters,
    bindings,
    spent: row.handled,
    quietMs: QUIET_MS,
    now,
    matches,
  };
}

/** The groups that any rule names. */
export function groupsOf({ approvals }: RepoSpec): string[] {
  return [...new Set(Object.values(approvals).flatMap(({ groups }) => groups))];
}
