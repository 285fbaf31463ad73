import type { HintSubject } from '../../domain/hint.ts';
import type { Role } from '../../domain/role.ts';
import { lowest } from '../../domain/role.ts';
import type { EventName } from '../../domain/spec.ts';
import type { Act, NoteCommand, ReadActs, TrustedText } from '../acts.ts';
import { digest } from './act-source.ts';
import type { ActSource } from './act-source.ts';
import { Issue, issueFacts, issueText } from './issue-acts.ts';
import { MergeRequest, mergeRequestFacts, mergeRequestText } from './merge-request-acts.ts';
import { listSystemNotes, mentions, Note } from './system-notes.ts';

/** What somebody said on an issue or merge request. A command to us is one thing, a comment that starts jobs another. */
export async function noteActs(
  { source, since, wanted }: { source: ActSource; since: Date; wanted: ReadonlySet<EventName> },
  { on, number, id }: Extract<HintSubject, { kind: 'note' }>,
): Promise<ReadActs> {
  const of = `${on === 'issue' ? 'issues' : 'merge_requests'}/${number}`;
  const note = await source.one(Note, `${of}/notes/${id}`);
  const at = new Date(note?.created_at ?? 0);
  const isHidden = note?.system === true || note?.internal === true || note?.confidential === true;
  if (note === undefined || isHidden || at < since) {
    return { acts: [], command: undefined };
  }
  const about = await subjectOf(source, on, of);
  const author = await source.actor(note.author);
  if (about === undefined || author === undefined) {
    return { acts: [], command: undefined };
  }
  const isEdited = note.updated_at !== note.created_at;
  if (/^\/autodev\b/u.test(note.body.trim())) {
    const text = note.body.trim();
    const command: NoteCommand = { on, number, noteId: id, author, at, isEdited, text };
    return { acts: [], command };
  }
  const comment: TrustedText = {
    what: 'comment',
    author: author.username,
    // Maintainers may edit what others say: the least of both is the author.
    role: author.role,
    sha256: digest(note.body),
  };
  const texts = [comment, about.text];
  const trust: Role = lowest(author.role, about.text.role);
  const act = (type: EventName): Act => ({
    type,
    key: `note:${id}:${type}`,
    at,
    actor: author,
    trust,
    texts,
    facts: { ...about.facts, comment: { id, body: note.body } },
  });
  const types: EventName[] = mentions(note.body, (await source.us()).username)
    ? ['comment', 'mention']
    : ['comment'];
  return { acts: types.filter((type) => wanted.has(type)).map(act), command: undefined };
}

/** What a note stands on, whose text that is (a comment endorses nothing), and undefined where it is not for all. */
async function subjectOf(
  source: ActSource,
  on: 'issue' | 'merge_request',
  of: string,
): Promise<{ text: TrustedText; facts: Record<string, unknown> } | undefined> {
  if (on === 'issue') {
    const issue = await source.one(Issue, of);
    if (issue === undefined || issue.confidential === true) {
      return undefined;
    }
    const system = await listSystemNotes(source, of);
    const text = await issueText(source, { issue, system, act: undefined });
    return { text, facts: { issue: issueFacts(issue) } };
  }
  const request = await source.one(MergeRequest, of);
  return (
    request && {
      text: await mergeRequestText(source, request, await listSystemNotes(source, of)),
      facts: { merge_request: mergeRequestFacts(request) },
    }
  );
}
