import { readCommit } from '../git/read.ts';
import { headOf } from '../heads.ts';
import type { Issue, MergeRequest, Note } from '../records.ts';
import { gitOf, type World } from '../world.ts';
import { issueAttributes } from './issue-event.ts';
import { attributes } from './merge-request-event.ts';
import {
  commitSection,
  hookTime,
  labelSections,
  projectSection,
  repositorySection,
  userSection,
} from './sections.ts';

/** Note Hook, also for edits; a note on a confidential issue, or an internal one, is a confidential note. */
export function tellNote(
  world: World,
  noteable: Issue | MergeRequest,
  { note, action }: { note: Note; action: 'create' | 'update' },
): void {
  const { project } = noteable;
  const confidential = note.internal || (noteable.kind === 'issue' && noteable.confidential);
  const body = structuredClone({
    object_kind: 'note',
    event_type: confidential ? 'confidential_note' : 'note',
    user: userSection(note.author),
    project_id: project.id,
    project: projectSection(world, project),
    repository: repositorySection(world, project),
    object_attributes: noteAttributes(world, noteable, { note, action }),
  });
  const about = structuredClone(
    noteable.kind === 'issue' ? issueAttributes(world, noteable) : attributes(world, noteable),
  );
  const labels = labelSections(project, noteable.labels);
  world.webhooks.later(async () => {
    world.webhooks.fire(
      { project },
      {
        flag: confidential ? 'confidential_note_events' : 'note_events',
        name: confidential ? 'Confidential Note Hook' : 'Note Hook',
        payload:
          noteable.kind === 'issue'
            ? { ...body, issue: { ...about, labels } }
            : {
                ...body,
                merge_request: { ...about, labels, last_commit: await lastCommit(world, noteable) },
              },
      },
    );
  });
}

function noteAttributes(
  world: World,
  noteable: Issue | MergeRequest,
  { note, action }: { note: Note; action: 'create' | 'update' },
) {
  const { project, iid, id } = noteable;
  const page = noteable.kind === 'issue' ? 'issues' : 'merge_requests';
  return {
    id: note.id,
    note: note.body,
    description: note.body,
    noteable_type: noteable.kind === 'issue' ? 'Issue' : 'MergeRequest',
    author_id: note.author.id,
    created_at: hookTime(note.createdAt),
    updated_at: hookTime(note.updatedAt),
    project_id: project.id,
    attachment: null,
    line_code: null,
    commit_id: '',
    noteable_id: id,
    system: note.system,
    st_diff: null,
    internal: note.internal,
    type: note.position ? 'DiffNote' : null,
    action,
    url: `${world.url}/${project.path}/-/${page}/${iid}#note_${note.id}`,
  };
}

async function lastCommit(world: World, mergeRequest: MergeRequest) {
  const { project } = mergeRequest;
  const commit = await readCommit(gitOf(world, project), headOf(mergeRequest));
  return commit ? commitSection(world, project, commit) : null;
}
