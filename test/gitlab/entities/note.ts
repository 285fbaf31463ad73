import { isResolvable } from '../mergeability.ts';
import type { Award, Discussion, Issue, MergeRequest, Note } from '../records.ts';
import type { World } from '../world.ts';
import { userEntity, userOrNull } from './user.ts';

export function noteEntity(
  world: World,
  noteable: Issue | MergeRequest,
  { note, discussion }: { note: Note; discussion: Discussion },
) {
  const resolvable = isResolvable(discussion);
  return {
    id: note.id,
    type: note.position ? 'DiffNote' : discussion.individual ? null : 'DiscussionNote',
    body: note.body,
    attachment: null,
    author: userEntity(world, note.author),
    created_at: note.createdAt.toISOString(),
    updated_at: note.updatedAt.toISOString(),
    system: note.system,
    noteable_id: noteable.id,
    noteable_type: noteable.kind === 'issue' ? 'Issue' : 'MergeRequest',
    project_id: noteable.project.id,
    ...(note.position ? { position: note.position, commit_id: null } : {}),
    resolvable,
    ...(resolvable
      ? {
          resolved: discussion.resolvedAt !== undefined,
          resolved_by: userOrNull(world, discussion.resolvedBy),
          resolved_at: discussion.resolvedAt?.toISOString() ?? null,
        }
      : {}),
    confidential: note.internal,
    internal: note.internal,
    imported: false,
    imported_from: 'none',
    noteable_iid: noteable.iid,
    commands_changes: {},
  };
}

export function discussionEntity(
  world: World,
  noteable: Issue | MergeRequest,
  discussion: Discussion,
) {
  return {
    id: discussion.id,
    individual_note: discussion.individual,
    notes: discussion.notes.map((note) => noteEntity(world, noteable, { note, discussion })),
  };
}

export function awardEntity(
  world: World,
  award: Award,
  { id, type }: { id: number; type: 'Issue' | 'MergeRequest' | 'Note' },
) {
  return {
    id: award.id,
    name: award.name,
    user: userEntity(world, award.user),
    created_at: award.createdAt.toISOString(),
    updated_at: award.createdAt.toISOString(),
    awardable_id: id,
    awardable_type: type,
    url: null,
  };
}
