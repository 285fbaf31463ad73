import { projectLevel } from '../access.ts';
import { discussionEntity, noteEntity } from '../entities/note.ts';
import { isResolvable } from '../mergeability.ts';
import { issueOf, mergeRequestOf } from '../noteables.ts';
import { addNote, addReply, editNote } from '../notes.ts';
import { page } from '../paging.ts';
import type { Params } from '../params.ts';
import { badParameter, forbidden, notFound } from '../problem.ts';
import type { DiffPosition, Discussion, Issue, MergeRequest } from '../records.ts';
import { part, type Call, type Reply, type Route } from '../route.ts';

type Find = (call: Call) => Issue | MergeRequest;

const NEW = ['body', 'position', 'commit_id', 'created_at', 'internal'];

/** Threads below merge requests and issues; those on lines of a diff carry a position. */
export const discussionRoutes: readonly Route[] = [
  ...routesFor('/projects/{id}/merge_requests/{merge_request_iid}/discussions', mergeRequestOf),
  ...routesFor('/projects/{id}/issues/{issue_iid}/discussions', issueOf),
];

function routesFor(base: string, find: Find): Route[] {
  const thread = `${base}/{discussion_id}`;
  return [
    {
      method: 'GET',
      path: base,
      parameters: [],
      handle(call) {
        const noteable = find(call);
        return page(call, noteable.discussions, (one) =>
          discussionEntity(call.world, noteable, one),
        );
      },
    },
    { method: 'POST', path: base, parameters: NEW, handle: (call) => create(call, find(call)) },
    {
      method: 'GET',
      path: thread,
      parameters: [],
      handle(call) {
        const noteable = find(call);
        return { body: discussionEntity(call.world, noteable, discussionOf(call, noteable)) };
      },
    },
    {
      method: 'PUT',
      path: thread,
      parameters: ['resolved'],
      handle: (call) => resolve(call, find(call)),
    },
    {
      method: 'POST',
      path: `${thread}/notes`,
      parameters: ['body', 'created_at'],
      returns: 'Note',
      handle(call) {
        const noteable = find(call);
        const discussion = discussionOf(call, noteable);
        const body = call.params.requiredText('body');
        const note = addReply(call.world, noteable, {
          discussion,
          note: { author: call.user, body },
        });
        return { status: 201, body: noteEntity(call.world, noteable, { note, discussion }) };
      },
    },
    {
      method: 'PUT',
      path: `${thread}/notes/{note_id}`,
      parameters: ['body', 'resolved'],
      returns: 'Note',
      handle: (call) => changeNote(call, find(call)),
    },
  ];
}

function create(call: Call, noteable: Issue | MergeRequest): Reply {
  const { discussion } = addNote(call.world, noteable, {
    author: call.user,
    body: call.params.requiredText('body'),
    thread: true,
    position: positionOf(call.params),
  });
  return { status: 201, body: discussionEntity(call.world, noteable, discussion) };
}

/** A position names the three commits of a version and a line; GitLab refuses one that is not whole. */
function positionOf(params: Params): DiffPosition | undefined {
  const position = params.nested('position');
  if (position === undefined) {
    return undefined;
  }
  const text = (name: string): string => {
    const value = position.text(name);
    if (value === undefined) {
      throw badParameter(`position[${name}]`, 'missing');
    }
    return value;
  };
  const path = position.text('new_path') ?? position.text('old_path') ?? '';
  return {
    base_sha: text('base_sha'),
    start_sha: text('start_sha'),
    head_sha: text('head_sha'),
    position_type: text('position_type'),
    old_path: position.text('old_path') ?? path,
    new_path: position.text('new_path') ?? path,
    old_line: position.integer('old_line') ?? null,
    new_line: position.integer('new_line') ?? null,
  };
}

function resolve(call: Call, noteable: Issue | MergeRequest): Reply {
  const { world, user, params } = call;
  const discussion = discussionOf(call, noteable);
  if (!isResolvable(discussion)) {
    throw notFound('Discussion');
  }
  const mine = noteable.author === user || discussion.notes[0]?.author === user;
  if (!mine && projectLevel(world, noteable.project, user) < 30) {
    throw forbidden();
  }
  const resolved = params.flag('resolved') ?? false;
  discussion.resolvedAt = resolved ? world.clock.now() : undefined;
  discussion.resolvedBy = resolved ? user : undefined;
  return { body: discussionEntity(world, noteable, discussion) };
}

function changeNote(call: Call, noteable: Issue | MergeRequest): Reply {
  const { world, params } = call;
  const discussion = discussionOf(call, noteable);
  const id = Number(part(call, 'note_id'));
  const note = discussion.notes.find((one) => one.id === id);
  if (note === undefined) {
    throw notFound('Note');
  }
  const body = params.text('body');
  if (body === undefined) {
    resolve(call, noteable);
  } else if (note.author === call.user && !note.system) {
    editNote(world, noteable, { note, body });
  } else {
    throw forbidden();
  }
  return { body: noteEntity(world, noteable, { note, discussion }) };
}

function discussionOf(call: Call, { discussions }: Issue | MergeRequest): Discussion {
  const found = discussions.find(({ id }) => id === part(call, 'discussion_id'));
  if (found === undefined) {
    throw notFound('Discussion');
  }
  return found;
}
