import { isJsonObject } from '../domain/canonical-json.ts';
import type { HintSubject } from '../domain/hint.ts';
import { isRef } from '../domain/hint.ts';

/** What a payload asks us to look at. Fields that are not named here are not read, whatever they hold. */
export type ReadHook =
  | {
      readonly outcome: 'interesting';
      readonly project: string;
      /** Undefined: a push that left nothing to read but, perhaps, the default branch. */
      readonly subject: HintSubject | undefined;
      readonly push?: { readonly ref: string; readonly head: string };
    }
  | { readonly outcome: 'uninteresting' | 'malformed'; readonly project: string | undefined };

type Json = Readonly<Record<string, unknown>>;
/** What a payload of one kind is about; undefined: nothing for us; `malformed`: it is not as GitLab documents it. */
type Found =
  | { readonly subject: HintSubject | undefined; readonly push?: { ref: string; head: string } }
  | 'malformed'
  | undefined;

const SHA = /^[0-9a-f]{40}([0-9a-f]{24})?$/;
const NO_COMMIT = /^0+$/;
/** What a pipeline that has ended can have come to; of others nobody needs to know yet. */
const ENDED = new Set(['failed', 'success', 'canceled', 'skipped']);

/**
 * Reads which thing of which project a payload is about, and believes nothing else of it. It may hold anything: what
 * GitLab sends changes with each of its versions, and whoever may write there chooses the texts.
 */
export function readHook(body: unknown): ReadHook {
  if (!isJsonObject(body)) {
    return { outcome: 'malformed', project: undefined };
  }
  const project = projectOf(body);
  const found = findSubject(body);
  if (found === undefined) {
    return { outcome: 'uninteresting', project };
  }
  return found === 'malformed' || project === undefined
    ? { outcome: 'malformed', project }
    : { outcome: 'interesting', project, ...found };
}

function findSubject(body: Json): Found {
  switch (body['object_kind']) {
    case 'push':
    case 'tag_push':
      return pushed(body);
    case 'issue':
    case 'work_item':
      return issue(body);
    case 'note':
      return note(body);
    case 'merge_request':
      return numbered('merge_request', object(body, 'object_attributes'));
    case 'pipeline':
      return pipeline(body);
    default:
      return undefined;
  }
}

function pushed(body: Json): Found {
  const [ref, head] = [body['ref'], body['after']];
  if (typeof ref !== 'string' || !isRef(ref) || typeof head !== 'string' || !SHA.test(head)) {
    return 'malformed';
  }
  // A ref that is gone has no pusher's work to read.
  const subject = NO_COMMIT.test(head) ? undefined : ({ kind: 'ref', ref } as const);
  return { subject, push: { ref, head } };
}

function issue(body: Json): Found {
  const attributes = object(body, 'object_attributes');
  // Only ever towards less: that a thing is confidential may be believed.
  return isConfidential(body, attributes) ? undefined : numbered('issue', attributes);
}

function note(body: Json): Found {
  const attributes = object(body, 'object_attributes');
  // An edited text is not the text that somebody said: it starts nothing a second time.
  const isNew = attributes?.['action'] === undefined || attributes['action'] === 'create';
  if (isConfidential(body, attributes) || attributes?.['system'] === true || !isNew) {
    return undefined;
  }
  const on = { Issue: 'issue', WorkItem: 'issue', MergeRequest: 'merge_request' } as const;
  const type = attributes?.['noteable_type'];
  if (type !== 'Issue' && type !== 'WorkItem' && type !== 'MergeRequest') {
    return typeof type === 'string' ? undefined : 'malformed';
  }
  const kind = on[type];
  const number = integer(object(body, kind) ?? object(body, 'work_item'), 'iid');
  const id = integer(attributes, 'id');
  return number === undefined || id === undefined
    ? 'malformed'
    : { subject: { kind: 'note', on: kind, number, id } };
}

function pipeline(body: Json): Found {
  const attributes = object(body, 'object_attributes');
  const [id, status] = [integer(attributes, 'id'), attributes?.['status']];
  if (id === undefined || typeof status !== 'string') {
    return 'malformed';
  }
  return ENDED.has(status) ? { subject: { kind: 'pipeline', id } } : undefined;
}

function numbered(kind: 'issue' | 'merge_request', attributes: Json | undefined): Found {
  const number = integer(attributes, 'iid');
  return number === undefined ? 'malformed' : { subject: { kind, number } };
}

function isConfidential(body: Json, attributes: Json | undefined): boolean {
  return (
    String(body['event_type']).startsWith('confidential_') ||
    attributes?.['confidential'] === true ||
    attributes?.['internal'] === true
  );
}

/** GitLab writes it in one place or the other; in hooks of merge requests it is the target's. */
function projectOf(body: Json): string | undefined {
  const id = integer(object(body, 'project'), 'id') ?? integer(body, 'project_id');
  return id === undefined ? undefined : String(id);
}

function object(parent: Json | undefined, key: string): Json | undefined {
  const value = parent !== undefined && Object.hasOwn(parent, key) ? parent[key] : undefined;
  return isJsonObject(value) ? value : undefined;
}

/** An id: a positive whole number that is written as one. */
function integer(parent: Json | undefined, key: string): number | undefined {
  const value = parent !== undefined && Object.hasOwn(parent, key) ? parent[key] : undefined;
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : undefined;
}
