import type { Award, Issue, MergeRequest, Note } from '../records.ts';
import type { World } from '../world.ts';
import { issueAttributes } from './issue-event.ts';
import { attributes } from './merge-request-event.ts';
import { hookTime, projectSection, userSection } from './sections.ts';

/** Emoji Hook, when somebody puts one on a merge request, an issue or a note. */
export function tellEmoji(
  world: World,
  on: Issue | MergeRequest,
  { award, note }: { award: Award; note: Note | undefined },
): void {
  const { project } = on;
  const page = on.kind === 'issue' ? 'issues' : 'merge_requests';
  const url = `${world.url}/${project.path}/-/${page}/${on.iid}`;
  const type = note ? 'Note' : on.kind === 'issue' ? 'Issue' : 'MergeRequest';
  const payload = structuredClone({
    object_kind: 'emoji',
    event_type: 'award',
    user: userSection(award.user),
    project_id: project.id,
    project: projectSection(world, project),
    object_attributes: {
      user_id: award.user.id,
      created_at: hookTime(award.createdAt),
      id: award.id,
      name: award.name,
      awardable_type: type,
      awardable_id: note?.id ?? on.id,
      updated_at: hookTime(award.createdAt),
      action: 'award',
      awarded_on_url: note ? `${url}#note_${note.id}` : url,
    },
    ...(note ? { note: { id: note.id, note: note.body, author_id: note.author.id } } : {}),
    ...(on.kind === 'issue'
      ? { issue: issueAttributes(world, on) }
      : { merge_request: attributes(world, on) }),
  });
  world.webhooks.later(async () => {
    world.webhooks.fire({ project }, { flag: 'emoji_events', name: 'Emoji Hook', payload });
  });
}
