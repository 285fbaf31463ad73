import { allNotes } from '../notes.ts';
import type { Issue } from '../records.ts';
import type { World } from '../world.ts';
import { userEntity, userOrNull } from './user.ts';

export function issueEntity(world: World, issue: Issue) {
  const { project, assignees } = issue;
  const reference = `#${issue.iid}`;
  return {
    id: issue.id,
    iid: issue.iid,
    project_id: project.id,
    title: issue.title,
    description: issue.description ?? null,
    state: issue.state,
    created_at: issue.createdAt.toISOString(),
    updated_at: issue.updatedAt.toISOString(),
    closed_at: issue.closedAt?.toISOString() ?? null,
    closed_by: userOrNull(world, issue.closedBy),
    labels: issue.labels,
    milestone: null,
    assignees: assignees.map((user) => userEntity(world, user)),
    assignee: userOrNull(world, assignees[0]),
    author: userEntity(world, issue.author),
    type: 'ISSUE',
    issue_type: 'issue',
    user_notes_count: allNotes(issue).filter(({ system }) => !system).length,
    merge_requests_count: 0,
    upvotes: issue.awards.filter(({ name }) => name === 'thumbsup').length,
    downvotes: issue.awards.filter(({ name }) => name === 'thumbsdown').length,
    due_date: null,
    confidential: issue.confidential,
    discussion_locked: null,
    web_url: `${world.url}/${project.path}/-/issues/${issue.iid}`,
    references: { short: reference, relative: reference, full: `${project.path}${reference}` },
    severity: 'UNKNOWN',
  };
}
