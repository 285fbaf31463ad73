import { projectLevel } from '../access.ts';
import { noteEntity } from '../entities/note.ts';
import { issueOf, mergeRequestOf } from '../noteables.ts';
import { addNote, editNote } from '../notes.ts';
import { page } from '../paging.ts';
import { ApiProblem, forbidden, notFound } from '../problem.ts';
import type { Discussion, Issue, MergeRequest, Note } from '../records.ts';
import { part, type Call, type Route } from '../route.ts';

type Find = (call: Call) => Issue | MergeRequest;

/** The same notes below merge requests and issues. */
export const noteRoutes: readonly Route[] = [
  ...routesFor('/projects/{id}/merge_requests/{merge_request_iid}/notes', mergeRequestOf),
  ...routesFor('/projects/{id}/issues/{issue_iid}/notes', issueOf),
];

function routesFor(base: string, find: Find): Route[] {
  const one = `${base}/{note_id}`;
  return [
    {
      method: 'GET',
      path: base,
      parameters: ['sort', 'order_by', 'activity_filter', 'page', 'per_page'],
      returns: 'Note',
      handle(call) {
        const { world, params } = call;
        const noteable = find(call);
        const byUpdate = params.text('order_by') === 'updated_at';
        const sign = params.text('sort') === 'asc' ? 1 : -1;
        const filter = params.oneOf('activity_filter', [
          'all_notes',
          'only_comments',
          'only_activity',
        ]);
        const key = ({ note }: { note: Note }) =>
          (byUpdate ? note.updatedAt : note.createdAt).getTime();
        const rows = visible(call, noteable)
          .filter(
            ({ note }) =>
              filter === undefined ||
              filter === 'all_notes' ||
              note.system === (filter === 'only_activity'),
          )
          .sort((left, right) => sign * (key(left) - key(right) || left.note.id - right.note.id));
        return page(call, rows, (row) => noteEntity(world, noteable, row));
      },
    },
    {
      method: 'POST',
      path: base,
      parameters: ['body', 'internal', 'confidential', 'created_at', 'merge_request_diff_head_sha'],
      returns: 'Note',
      handle(call) {
        const noteable = find(call);
        const body = call.params.requiredText('body');
        if (body.trim() === '') {
          throw new ApiProblem(400, {
            message: `400 Bad request - Note {:note=>["can't be blank"]}`,
          });
        }
        const internal = call.params.flag('internal') ?? call.params.flag('confidential') ?? false;
        const made = addNote(call.world, noteable, { author: call.user, body, internal });
        return { status: 201, body: noteEntity(call.world, noteable, made) };
      },
    },
    {
      method: 'GET',
      path: one,
      parameters: [],
      returns: 'Note',
      handle(call) {
        const noteable = find(call);
        return { body: noteEntity(call.world, noteable, noteOf(call, noteable)) };
      },
    },
    {
      method: 'PUT',
      path: one,
      parameters: ['body', 'confidential'],
      returns: 'Note',
      handle(call) {
        const noteable = find(call);
        const found = noteOf(call, noteable);
        requireEdit(call, noteable, found.note);
        editNote(call.world, noteable, {
          note: found.note,
          body: call.params.requiredText('body'),
        });
        return { body: noteEntity(call.world, noteable, found) };
      },
    },
    {
      method: 'DELETE',
      path: one,
      parameters: [],
      handle(call) {
        const noteable = find(call);
        const { note, discussion } = noteOf(call, noteable);
        requireEdit(call, noteable, note);
        discussion.notes.splice(discussion.notes.indexOf(note), 1);
        return { status: 204 };
      },
    },
  ];
}

/** Internal notes are for reporters upwards. */
function visible(
  { world, user }: Call,
  noteable: Issue | MergeRequest,
): { note: Note; discussion: Discussion }[] {
  const all = projectLevel(world, noteable.project, user) >= 20;
  return noteable.discussions.flatMap((discussion) =>
    discussion.notes.filter((note) => all || !note.internal).map((note) => ({ note, discussion })),
  );
}

function noteOf(call: Call, noteable: Issue | MergeRequest) {
  const id = Number(part(call, 'note_id'));
  const found = visible(call, noteable).find(({ note }) => note.id === id);
  if (found === undefined) {
    throw notFound('Note');
  }
  return found;
}

/** One's own notes; maintainers may edit everybody's. Nobody edits a system note. */
function requireEdit({ world, user }: Call, { project }: Issue | MergeRequest, note: Note): void {
  if (note.system || (note.author !== user && projectLevel(world, project, user) < 40)) {
    throw forbidden();
  }
}
