import type { Queryable } from '../db/db.ts';
import type { NewJob } from '../db/enqueue.ts';
import type { InboxEvent } from '../db/events.ts';
import type { JobRow } from '../db/job-rows.ts';
import { findMergeRequest, findMergeRequestNumbered } from '../db/merge-requests.ts';
import type { MergeRequest } from '../db/merge-requests.ts';
import { isAgent } from '../domain/agent.ts';
import { isJsonObject } from '../domain/canonical-json.ts';
import type { HintSubject } from '../domain/hint.ts';
import { isRef } from '../domain/hint.ts';
import type { Role } from '../domain/role.ts';
import { isRole, lowest } from '../domain/role.ts';
import type { HappenedEvent } from '../domain/trigger-match.ts';

export interface DescribedEvent extends HappenedEvent {
  /** The lowest role among those whose texts the event carries. */
  readonly trust: Role;
}

/** Our own acts: what an effect changed, and that a job of ours succeeded. A merge is the person's who made it. */
export function isOurs({ effectId, type }: InboxEvent): boolean {
  return effectId !== null || type === 'job_succeeded';
}

/**
 * What has to be read from the forge before anybody can say whose act an event was: the reconciler sees that a head
 * moved, and not who moved it. Undefined: the event says all.
 */
export function unreadSubject({ forge, type, payload }: InboxEvent): HintSubject | undefined {
  const ref = `refs/heads/${text(payload['ref'])}`;
  return forge === 'gitlab' && type === 'push' && !isRole(payload['role']) && isRef(ref)
    ? { kind: 'ref', ref }
    : undefined;
}

export type About = Pick<NewJob, 'subject' | 'base' | 'branch' | 'mergeRequestId'>;

/** What a job is about, and what it continues: a merge request that is open works on, one that is not is history. */
export async function subjectOf(tx: Queryable, { repoId, payload }: InboxEvent): Promise<About> {
  const told = payload['merge_request'];
  if (isJsonObject(told)) {
    const request = await findTold(tx, repoId, told);
    const subject = { kind: 'merge_request' as const, id: Number(told['number']) };
    if (request?.state === 'open') {
      return { subject, mergeRequestId: request.id, branch: request.branch, base: request.head };
    }
    // Somebody else's: work begins at its head, where that is in this repository, and never goes to its branch.
    const head = told['head'];
    return request === undefined && typeof head === 'string' && told['fromHere'] === true
      ? { subject: { ...subject, sha: head }, base: head }
      : { subject };
  }
  const issue = payload['issue'];
  return isJsonObject(issue) && typeof issue['number'] === 'number'
    ? { subject: { kind: 'issue', id: issue['number'] } }
    : {};
}

async function findTold(
  tx: Queryable,
  repoId: number,
  told: Readonly<Record<string, unknown>>,
): Promise<MergeRequest | undefined> {
  if (typeof told['id'] === 'number') {
    return findMergeRequest(tx, told['id']);
  }
  const { number, branch } = told;
  const ours =
    typeof number === 'number' ? await findMergeRequestNumbered(tx, repoId, number) : undefined;
  return ours?.branch === branch ? ours : undefined;
}

/** The event as triggers see it. */
export function describeEvent(event: InboxEvent, cause: JobRow | undefined): DescribedEvent {
  const { type, payload } = event;
  const issue = isJsonObject(payload['issue']) ? payload['issue'] : {};
  const request = isJsonObject(payload['merge_request']) ? payload['merge_request'] : {};
  const ref = payload['ref'];
  const agent = cause?.agent ?? payload['agent'];
  const role = isOurs(event) ? 'autodev' : roleOf(event);
  const comment = isJsonObject(payload['comment']) ? payload['comment'] : {};
  return {
    type,
    role,
    trust: isRole(payload['trust']) ? payload['trust'] : role,
    actor: text(payload['actor']) || 'owner',
    labels: labelsOf(event),
    ...(typeof ref === 'string' && { ref }),
    ...(typeof agent === 'string' && isAgent(agent) && { agent }),
    paths: texts(payload['paths']),
    values: {
      event: type,
      actor: text(payload['actor']),
      ref: text(ref),
      commit: text(payload['sha']),
      'issue.number': text(issue['number']),
      'issue.title': text(issue['title']),
      'issue.description': text(issue['description']),
      'issue.labels': texts(issue['labels']).join(', '),
      'merge_request.number': text(request['number']),
      'merge_request.title': text(request['title']),
      'merge_request.description': text(request['description']),
      'merge_request.source_branch': text(request['branch']),
      'comment.body': text(comment['body']),
      'job.id': cause ? `j_${cause.id}` : '',
      'job.agent': cause?.agent ?? '',
      'job.title': cause?.title ?? '',
    },
  };
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.map(text) : [];
}

function text(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

/**
 * On the local forge whoever may commit here is the owner. Elsewhere it is what the forge said of the actor when the
 * act was read; of an act that nobody read, only what the file itself asks for at its first start counts.
 */
function roleOf({ forge, type, payload }: InboxEvent): Role {
  if (forge === 'local') {
    return 'owner';
  }
  const said = payload['role'];
  return isRole(said) ? lowest(said, 'owner') : type === 'first_start' ? 'owner' : 'outsider';
}

/** For a label that was put on: that one. It would be started by every other label as well. */
function labelsOf({ payload }: InboxEvent): string[] {
  if (typeof payload['label'] === 'string') {
    return [payload['label']];
  }
  const about = isJsonObject(payload['issue']) ? payload['issue'] : payload['merge_request'];
  return isJsonObject(about) ? texts(about['labels']) : [];
}
