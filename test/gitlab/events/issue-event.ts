import type { Issue, User } from '../records.ts';
import type { World } from '../world.ts';
import {
  hookTime,
  hookTimeOrNull,
  labelSections,
  projectSection,
  repositorySection,
  userSection,
} from './sections.ts';

export interface IssueAct {
  readonly action: 'open' | 'close' | 'reopen' | 'update';
  readonly user: User;
  readonly changes?: Readonly<Record<string, { previous: unknown; current: unknown }>>;
}

/** Issue Hook, or Confidential Issue Hook. */
export function tellIssue(
  world: World,
  issue: Issue,
  { action, user, changes = {} }: IssueAct,
): void {
  const { project, assignees, confidential } = issue;
  const labels = labelSections(project, issue.labels);
  const people = assignees.map(userSection);
  const payload = structuredClone({
    object_kind: 'issue',
    event_type: confidential ? 'confidential_issue' : 'issue',
    user: userSection(user),
    project: projectSection(world, project),
    object_attributes: { ...issueAttributes(world, issue), labels, action },
    repository: repositorySection(world, project),
    assignees: people,
    ...(people[0] === undefined ? {} : { assignee: people[0] }),
    labels,
    changes,
  });
  world.webhooks.later(async () => {
    world.webhooks.fire(
      { project },
      {
        flag: confidential ? 'confidential_issues_events' : 'issues_events',
        name: confidential ? 'Confidential Issue Hook' : 'Issue Hook',
        payload,
      },
    );
  });
}

export function issueAttributes({ url }: World, issue: Issue) {
  const { project } = issue;
  return {
    id: issue.id,
    iid: issue.iid,
    title: issue.title,
    assignee_ids: issue.assignees.map(({ id }) => id),
    assignee_id: issue.assignees[0]?.id ?? null,
    author_id: issue.author.id,
    project_id: project.id,
    created_at: hookTime(issue.createdAt),
    updated_at: hookTime(issue.updatedAt),
    updated_by_id: null,
    last_edited_at: null,
    last_edited_by_id: null,
    closed_at: hookTimeOrNull(issue.closedAt),
    relative_position: null,
    description: issue.description ?? '',
    milestone_id: null,
    state_id: issue.state === 'opened' ? 1 : 2,
    state: issue.state,
    confidential: issue.confidential,
    discussion_locked: null,
    due_date: null,
    moved_to_id: null,
    duplicated_to_id: null,
    time_estimate: 0,
    total_time_spent: 0,
    time_change: 0,
    human_total_time_spent: null,
    human_time_estimate: null,
    human_time_change: null,
    weight: null,
    health_status: null,
    type: 'Issue',
    severity: 'unknown',
    url: `${url}/${project.path}/-/issues/${issue.iid}`,
  };
}
