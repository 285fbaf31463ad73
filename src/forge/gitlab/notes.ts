import { Type, type Static } from 'typebox';

import { AppError } from '../../kernel/errors.ts';
import type { ForgeRepo } from '../forge.ts';
import type { ForgeNote, NoteTarget } from '../tracker.ts';
import { WHOLE_LIST, type GitlabClient } from './client.ts';
import { Person, personOf, type People } from './people.ts';
import { read } from './shape.ts';

const Note = Type.Object({
  id: Type.Integer(),
  body: Type.String(),
  author: Person,
  system: Type.Boolean(),
  created_at: Type.String(),
  updated_at: Type.String(),
});

interface Deps {
  client: GitlabClient;
  people: People;
}

/** Every note below a merge request or an issue, oldest first; also those of threads and of GitLab itself. */
export async function listNotes(
  { client }: Pick<Deps, 'client'>,
  repo: ForgeRepo,
  target: NoteTarget,
  signal: AbortSignal,
): Promise<ForgeNote[]> {
  const options = { ...WHOLE_LIST, sort: 'asc', orderBy: 'created_at' } as const;
  const answer: unknown = await notesOf(client, target, signal).all(
    Number(repo.location),
    target.number,
    options,
  );
  return read(Type.Array(Note), answer, `the notes of ${nameOf(target)}`).map(noteOf);
}

/**
 * Writes a note, or brings the one with this marker to this text: there is never a second one. A note counts as
 * ours by its author and by its first line, so nobody else's marker is taken for it.
 *
 * @param marker names what the note is about: `plan`, `effect:17`
 */
export async function putNote(
  deps: Deps,
  repo: ForgeRepo,
  { target, marker, body }: { target: NoteTarget; marker: string; body: string },
  signal: AbortSignal,
): Promise<{ id: number; changed: boolean }> {
  const text = withMarker(marker, body);
  const found = await findNote(deps, repo, { target, marker }, signal);
  const notes = notesOf(deps.client, target, signal);
  const project = Number(repo.location);
  if (found) {
    // GitLab trims what it is given.
    const changed = found.body.trim() !== text.trim();
    if (changed) {
      await notes.edit(project, target.number, found.id, { body: text });
    }
    return { id: found.id, changed };
  }
  try {
    const made: unknown = await notes.create(project, target.number, text);
    return { id: read(Note, made, `the new note of ${nameOf(target)}`).id, changed: true };
  } catch (error) {
    return {
      id: (await lookUp(error, () => findNote(deps, repo, { target, marker }, signal))).id,
      changed: true,
    };
  }
}

/** Ours with this marker, the oldest should there be two. */
export async function findNote(
  deps: Deps,
  repo: ForgeRepo,
  { target, marker }: { target: NoteTarget; marker: string },
  signal: AbortSignal,
): Promise<ForgeNote | undefined> {
  const self = await deps.people.self(signal);
  const notes = await listNotes(deps, repo, target, signal);
  return notes.find(
    (note) => note.author.id === self.id && !note.system && hasMarker(note.body, marker),
  );
}

/** What was made although its answer was lost; else the error goes on. */
export async function lookUp<T>(error: unknown, find: () => Promise<T | undefined>): Promise<T> {
  if (error instanceof AppError && error.code === 'FORGE_UNCERTAIN') {
    const there = await find();
    if (there !== undefined) {
      return there;
    }
  }
  throw error;
}

/** Invisible in GitLab, and the first line, where no text of an agent can stand. */
export function withMarker(marker: string, body: string): string {
  return `${markerLine(marker)}\n${body}`;
}

export function hasMarker(body: string, marker: string): boolean {
  return body.trimStart().startsWith(markerLine(marker));
}

function markerLine(marker: string): string {
  if (!/^[\w.:/-]+$/.test(marker)) {
    throw new TypeError(`${marker} is no marker`);
  }
  return `<!-- autodev:${marker} -->`;
}

function notesOf(client: GitlabClient, { kind }: NoteTarget, signal: AbortSignal) {
  const api = client.api(signal);
  return kind === 'issue' ? api.issueNotes : api.notes;
}

function nameOf({ kind, number }: NoteTarget): string {
  return kind === 'issue' ? `#${number}` : `!${number}`;
}

function noteOf(note: Static<typeof Note>): ForgeNote {
  return {
    id: note.id,
    author: personOf(note.author),
    body: note.body,
    system: note.system,
    createdAt: new Date(note.created_at),
    updatedAt: new Date(note.updated_at),
  };
}
