import { Type } from 'typebox';
import type { Static } from 'typebox';

import { lowest } from '../../domain/role.ts';
import type { EventName } from '../../domain/spec.ts';
import type { Act, Actor, TrustedText } from '../acts.ts';
import { digest, Person, trustOf } from './act-source.ts';
import type { ActSource } from './act-source.ts';
import { findPush } from './push-acts.ts';
import { listSystemNotes, named } from './system-notes.ts';
import type { SystemNote } from './system-notes.ts';

const orNull = <Schema extends Parameters<typeof Type.Optional>[0]>(schema: Schema) =>
  Type.Optional(Type.Union([schema, Type.Null()]));

export const MergeRequest = Type.Object({
  id: Type.Integer(),
  iid: Type.Integer(),
  state: Type.String(),
  title: Type.String(),
  description: Type.Union([Type.String(), Type.Null()]),
  labels: Type.Array(Type.String()),
  source_branch: Type.String(),
  source_project_id: orNull(Type.Integer()),
  target_project_id: Type.Integer(),
  sha: orNull(Type.String()),
  created_at: Type.String(),
  author: Person,
  merged_at: orNull(Type.String()),
  merge_user: orNull(Person),
  merge_commit_sha: orNull(Type.String()),
});

const Version = Type.Object({
  id: Type.Integer(),
  head_commit_sha: Type.String(),
  created_at: Type.String(),
});

/** What happened to a merge request. What we did ourselves is told as well, with `isUs`. */
export async function mergeRequestActs(
  { source, since, wanted }: { source: ActSource; since: Date; wanted: ReadonlySet<EventName> },
  number: number,
): Promise<Act[]> {
  const of = `merge_requests/${number}`;
  const request = await source.one(MergeRequest, of);
  if (request === undefined) {
    return [];
  }
  const system = await listSystemNotes(source, of);
  const text = await mergeRequestText(source, request, system);
  const acts: Act[] = [];
  const add = (
    type: EventName,
    act: { key: string; at: Date; actor: Actor | undefined; sha?: string | undefined },
  ): void => {
    const { actor, sha = request.sha ?? undefined, ...rest } = act;
    if (actor !== undefined && act.at >= since && wanted.has(type)) {
      const facts = {
        merge_request: mergeRequestFacts(request),
        ...(sha !== undefined && { sha }),
      };
      acts.push({ ...rest, type, actor, trust: trustOf(actor, [text]), texts: [text], facts });
    }
  };

  if (request.state === 'merged') {
    add('merge_request_merged', {
      key: `merge_request:${request.id}:merged`,
      at: new Date(request.merged_at ?? 0),
      actor: await source.actor(request.merge_user),
      sha: request.merge_commit_sha ?? undefined,
    });
  }
  if (request.state !== 'opened') {
    return acts;
  }
  add('merge_request_opened', {
    key: `merge_request:${request.id}:opened`,
    at: new Date(request.created_at),
    actor: await source.actor(request.author),
  });
  if (wanted.has('merge_request_updated')) {
    const version = await newestVersion(source, of, request);
    add('merge_request_updated', {
      key: `merge_request:${request.id}:version:${version?.id ?? 0}`,
      at: new Date(version?.created_at ?? 0),
      actor: version && (await pusherOf(source, request, version.head_commit_sha)),
      sha: version?.head_commit_sha,
    });
  }
  const { username } = await source.us();
  for (const note of named(system, /^requested review from /, username)) {
    const actor = await source.actor(note.author);
    add('review_requested', { key: `note:${note.id}`, at: note.at, actor });
  }
  for (const note of system.filter(({ body }) => body.startsWith('requested changes'))) {
    const actor = await source.actor(note.author);
    add('changes_requested', { key: `note:${note.id}`, at: note.at, actor });
  }
  return acts;
}

export function mergeRequestFacts(request: Static<typeof MergeRequest>): Record<string, unknown> {
  const { iid: number, title, description, labels, source_branch: branch, sha } = request;
  const fromHere = request.source_project_id === request.target_project_id;
  return {
    number,
    title,
    description: description ?? '',
    labels,
    branch,
    head: sha ?? null,
    fromHere,
  };
}

/** Whose the title and description are: the author's, and that of whoever changed them. */
export async function mergeRequestText(
  source: ActSource,
  request: Static<typeof MergeRequest>,
  system: readonly SystemNote[],
): Promise<TrustedText> {
  const edits = system.filter(({ body }) => /^changed (the description|title)/.test(body));
  const people = [request.author, ...edits.map(({ author }) => author)];
  const actors = await Promise.all(people.map((person) => source.actor(person)));
  return {
    what: 'merge_request',
    author: request.author.username,
    role: lowest('owner', ...actors.map((actor) => actor?.role ?? 'outsider')),
    sha256: digest(`${request.title}\n\n${request.description ?? ''}`),
  };
}

/** The first version is the opening, no update. */
async function newestVersion(
  source: ActSource,
  of: string,
  request: Static<typeof MergeRequest>,
): Promise<Static<typeof Version> | undefined> {
  const versions = await source.list(Version, `${of}/versions`);
  const [newest] = versions.toSorted((one, other) => other.id - one.id);
  return versions.length > 1 && newest?.head_commit_sha === request.sha ? newest : undefined;
}

/** Who brought a head; whose push is not on record is somebody whom nobody knows. */
async function pusherOf(
  source: ActSource,
  request: Static<typeof MergeRequest>,
  head: string,
): Promise<Actor | undefined> {
  const ref = `refs/heads/${request.source_branch}`;
  const push = await findPush(source, (one) => one.ref === ref && one.sha === head);
  return (
    (await source.actor(push?.author)) ?? { id: 0, username: '', role: 'outsider', isUs: false }
  );
}
