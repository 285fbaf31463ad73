import { randomBytes } from 'node:crypto';

import { tellNote } from './events/note-event.ts';
import type { DiffPosition, Discussion, Issue, MergeRequest, Note, User } from './records.ts';
import type { World } from './world.ts';

interface NewNote {
  readonly author: User;
  readonly body: string;
  readonly internal?: boolean;
  readonly createdAt?: Date;
}

/** A note of its own, or the first one of a thread when `thread` is set. */
export function addNote(
  world: World,
  noteable: Issue | MergeRequest,
  note: NewNote & { readonly thread?: boolean; readonly position?: DiffPosition | undefined },
): { note: Note; discussion: Discussion } {
  const made = makeNote(world, note, { system: false, position: note.position });
  const discussion: Discussion = {
    id: randomBytes(20).toString('hex'),
    individual: !note.thread,
    notes: [made],
    resolvedBy: undefined,
    resolvedAt: undefined,
  };
  noteable.discussions.push(discussion);
  noteable.updatedAt = world.clock.now();
  tellNote(world, noteable, { note: made, action: 'create' });
  return { note: made, discussion };
}

export function addReply(
  world: World,
  noteable: Issue | MergeRequest,
  { discussion, note }: { discussion: Discussion; note: NewNote },
): Note {
  const made = makeNote(world, note, { system: false });
  discussion.notes.push(made);
  noteable.updatedAt = world.clock.now();
  tellNote(world, noteable, { note: made, action: 'create' });
  return made;
}

/** GitLab's own record of what somebody did; system notes fire no hook. */
export function addSystemNote(world: World, noteable: Issue | MergeRequest, note: NewNote): void {
  noteable.discussions.push({
    id: randomBytes(20).toString('hex'),
    individual: true,
    notes: [makeNote(world, note, { system: true })],
    resolvedBy: undefined,
    resolvedAt: undefined,
  });
}

export function editNote(
  world: World,
  noteable: Issue | MergeRequest,
  { note, body }: { note: Note; body: string },
): void {
  note.body = body;
  // An edit is told from its note by the times, so it never has the same one, however slow the clock is.
  note.updatedAt = new Date(Math.max(world.clock.now().getTime(), note.createdAt.getTime() + 1));
  tellNote(world, noteable, { note, action: 'update' });
}

export function allNotes({ discussions }: Pick<Issue, 'discussions'>): Note[] {
  return discussions.flatMap(({ notes }) => notes);
}

function makeNote(
  { state, clock }: World,
  { author, body, internal = false, createdAt = clock.now() }: NewNote,
  { system, position }: { system: boolean; position?: DiffPosition | undefined },
): Note {
  return {
    id: state.nextId('note'),
    body,
    author,
    createdAt,
    updatedAt: createdAt,
    system,
    internal,
    position,
    awards: [],
  };
}
