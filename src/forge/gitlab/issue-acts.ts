import { Type } from 'typebox';
import type { Static } from 'typebox';

import { lowest } from '../../domain/role.ts';
import type { Role } from '../../domain/role.ts';
import type { EventName } from '../../domain/spec.ts';
import type { Act, Actor, TrustedText } from '../acts.ts';
import { digest, Person, trustOf } from './act-source.ts';
import type { ActSource } from './act-source.ts';
import { listSystemNotes, mentions, named } from './system-notes.ts';
import type { SystemNote } from './system-notes.ts';

export const Issue = Type.Object({
  id: Type.Integer(),
  iid: Type.Integer(),
  state: Type.String(),
  title: Type.String(),
  description: Type.Union([Type.String(), Type.Null()]),
  labels: Type.Array(Type.String()),
  confidential: Type.Optional(Type.Boolean()),
  created_at: Type.String(),
  author: Person,
});

const LabelEvent = Type.Object({
  id: Type.Integer(),
  user: Type.Union([Person, Type.Null()]),
  created_at: Type.String(),
  label: Type.Union([Type.Object({ name: Type.String() }), Type.Null()]),
  action: Type.String(),
});

interface Looking {
  readonly source: ActSource;
  readonly since: Date;
  readonly wanted: ReadonlySet<EventName>;
}

/** What happened to an issue that is open and for all to see. */
export async function issueActs(
  { source, since, wanted }: Looking,
  number: number,
): Promise<Act[]> {
  const issue = await source.one(Issue, `issues/${number}`);
  if (issue === undefined || issue.state !== 'opened' || issue.confidential === true) {
    return [];
  }
  const system = await listSystemNotes(source, `issues/${number}`);
  const author = await source.actor(issue.author);
  const made: (Pick<Act, 'type' | 'key' | 'at'> & { actor: Actor | undefined; label?: string })[] =
    [];
  const openedAt = new Date(issue.created_at);
  if (openedAt >= since) {
    const at = openedAt;
    made.push({ type: 'issue_opened', key: `issue:${issue.id}:opened`, at, actor: author });
    if (mentions(issue.description ?? '', (await source.us()).username)) {
      made.push({ type: 'mention', key: `issue:${issue.id}:mention`, at, actor: author });
    }
  }
  if (wanted.has('issue_labeled')) {
    for (const event of await source.list(LabelEvent, `issues/${number}/resource_label_events`)) {
      const [at, label] = [new Date(event.created_at), event.label?.name];
      // One that was taken off again asks for nothing.
      if (
        event.action === 'add' &&
        at >= since &&
        label !== undefined &&
        issue.labels.includes(label)
      ) {
        const actor = await source.actor(event.user);
        made.push({ type: 'issue_labeled', key: `label:${event.id}`, at, actor, label });
      }
    }
  }
  for (const note of named(system, /^assigned to /, (await source.us()).username)) {
    if (note.at >= since) {
      const actor = await source.actor(note.author);
      made.push({ type: 'issue_assigned', key: `note:${note.id}`, at: note.at, actor });
    }
  }
  const acts: Act[] = [];
  for (const { actor, label, ...act } of made) {
    if (actor !== undefined && wanted.has(act.type)) {
      const text = await issueText(source, { issue, system, act: { actor, at: act.at } });
      const facts = { issue: issueFacts(issue), ...(label !== undefined && { label }) };
      acts.push({ ...act, actor, trust: trustOf(actor, [text]), texts: [text], facts });
    }
  }
  return acts;
}

export function issueFacts(issue: Static<typeof Issue>): Record<string, unknown> {
  const { iid: number, title, description, labels } = issue;
  return { number, title, description: description ?? '', labels };
}

/**
 * Whose an issue's text is. Its author's and that of whoever changed it; but an act on the text, a label above all, is
 * its actor's word for the text as it was then, so only who changed it afterwards still counts.
 */
export async function issueText(
  source: ActSource,
  {
    issue,
    system,
    act,
  }: {
    issue: Static<typeof Issue>;
    system: readonly SystemNote[];
    /** The act that endorses the text; undefined: nobody's. */
    act: { actor: Actor; at: Date } | undefined;
  },
): Promise<TrustedText> {
  const author = await source.actor(issue.author);
  const edits = system.filter(({ body }) => /^changed (the description|title)/.test(body));
  const after = edits.filter(({ at }) => act === undefined || at >= act.at);
  const editors = await Promise.all(after.map((note) => source.actor(note.author)));
  const roles: Role[] = editors.map((editor) => editor?.role ?? 'outsider');
  const own = act === undefined ? (author?.role ?? 'outsider') : act.actor.role;
  return {
    what: 'issue',
    author: issue.author.username,
    role: lowest(own, ...roles),
    sha256: digest(`${issue.title}\n\n${issue.description ?? ''}`),
    ...(act !== undefined && after.length === 0 && { endorsedBy: act.actor.username }),
  };
}
