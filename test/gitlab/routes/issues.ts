import { projectLevel, projectOf } from '../access.ts';
import { issueEntity } from '../entities/issue.ts';
import { userEntity } from '../entities/user.ts';
import { tellIssue } from '../events/issue-event.ts';
import { hookTime, labelSections, userSection } from '../events/sections.ts';
import { ensureLabels, issueOf, labelsAfter, maySeeIssue, usersByIds } from '../noteables.ts';
import { addSystemNote } from '../notes.ts';
import { page } from '../paging.ts';
import { forbidden } from '../problem.ts';
import type { Issue } from '../records.ts';
import type { Call, Reply, Route } from '../route.ts';

const LIST = [
  'state',
  'labels',
  'iids',
  'author_username',
  'author_id',
  'assignee_username',
  'assignee_id',
  'search',
  'in',
  'scope',
  'confidential',
  'created_after',
  'created_before',
  'updated_after',
  'updated_before',
  'order_by',
  'sort',
  'with_labels_details',
];
const WRITE = [
  'title',
  'description',
  'labels',
  'add_labels',
  'remove_labels',
  'assignee_id',
  'assignee_ids',
  'confidential',
  'state_event',
  'issue_type',
  'due_date',
  'milestone_id',
  'discussion_locked',
  'created_at',
];

function list(call: Call): Promise<Reply> {
  const { world, user, params } = call;
  const project = projectOf(call);
  const state = params.oneOf('state', ['opened', 'closed', 'all']);
  const labels = params.list('labels');
  const iids = params.integers('iids');
  const author = params.text('author_username');
  const search = params.text('search')?.toLowerCase();
  const after = params.time('updated_after');
  const found = world.state.issues.filter(
    (issue) =>
      issue.project === project &&
      maySeeIssue(world, issue, user) &&
      (state === undefined || state === 'all' || issue.state === state) &&
      (labels === undefined || labels.every((label) => issue.labels.includes(label))) &&
      (iids === undefined || iids.includes(issue.iid)) &&
      (author === undefined || issue.author.username === author) &&
      (search === undefined ||
        `${issue.title}\n${issue.description ?? ''}`.toLowerCase().includes(search)) &&
      (after === undefined || issue.updatedAt >= after),
  );
  const byUpdate = params.text('order_by') === 'updated_at';
  const sign = params.text('sort') === 'asc' ? 1 : -1;
  const key = (issue: Issue) => (byUpdate ? issue.updatedAt : issue.createdAt).getTime();
  const sorted = found.sort((left, right) => sign * (key(left) - key(right) || left.id - right.id));
  return page(call, sorted, (issue) => issueEntity(world, issue));
}

function create(call: Call): Reply {
  const { world, user, params } = call;
  const project = projectOf(call, 10);
  const labels = params.list('labels') ?? params.list('add_labels') ?? [];
  const now = world.clock.now();
  ensureLabels(world, project, labels);
  const issue: Issue = {
    kind: 'issue',
    id: world.state.nextId('issue'),
    iid: world.state.nextId('issue iid', project.id),
    project,
    author: user,
    title: params.requiredText('title'),
    description: params.text('description'),
    labels: [...new Set(labels)].sort(),
    assignees: usersByIds(
      world,
      params.integers('assignee_ids') ?? params.integers('assignee_id') ?? [],
    ),
    createdAt: now,
    updatedAt: now,
    discussions: [],
    awards: [],
    labelEvents: [],
    state: 'opened',
    confidential: params.flag('confidential') ?? false,
    closedAt: undefined,
    closedBy: undefined,
  };
  world.state.issues.push(issue);
  recordLabels(call, issue, { before: [], after: issue.labels });
  tellIssue(world, issue, { action: 'open', user });
  return { status: 201, body: issueEntity(world, issue) };
}

function update(call: Call): Reply {
  const { world, user, params } = call;
  const issue = issueOf(call);
  const { project } = issue;
  if (issue.author !== user && projectLevel(world, project, user) < 15) {
    throw forbidden();
  }
  const changes: Record<string, { previous: unknown; current: unknown }> = {};
  const title = params.text('title');
  if (title !== undefined && title !== issue.title) {
    changes['title'] = { previous: issue.title, current: title };
    addSystemNote(world, issue, { author: user, body: `changed title to **${title}**` });
    issue.title = title;
  }
  const description = params.text('description');
  if (description !== undefined && description !== issue.description) {
    changes['description'] = { previous: issue.description ?? null, current: description };
    issue.description = description;
    addSystemNote(world, issue, { author: user, body: 'changed the description' });
  }
  const labels = labelsAfter(params, issue.labels);
  if (labels !== undefined && labels.join() !== issue.labels.join()) {
    ensureLabels(world, project, labels);
    changes['labels'] = {
      previous: labelSections(project, issue.labels),
      current: labelSections(project, labels),
    };
    recordLabels(call, issue, { before: issue.labels, after: labels });
    issue.labels = labels;
  }
  const assignees = params.integers('assignee_ids') ?? params.integers('assignee_id');
  if (assignees !== undefined) {
    const previous = issue.assignees.map(userSection);
    issue.assignees = usersByIds(world, assignees);
    changes['assignees'] = { previous, current: issue.assignees.map(userSection) };
    for (const { username } of issue.assignees) {
      addSystemNote(world, issue, { author: user, body: `assigned to @${username}` });
    }
  }
  issue.confidential = params.flag('confidential') ?? issue.confidential;
  if (Object.keys(changes).length > 0) {
    const now = world.clock.now();
    changes['updated_at'] = { previous: hookTime(issue.updatedAt), current: hookTime(now) };
    issue.updatedAt = now;
    tellIssue(world, issue, { action: 'update', user, changes });
  }
  changeState(call, issue);
  return { body: issueEntity(world, issue) };
}

/** GitLab keeps these beside notes, since 11.2. */
function recordLabels(
  { world, user }: Call,
  issue: Issue,
  { before, after }: { before: readonly string[]; after: readonly string[] },
): void {
  const record = (action: 'add' | 'remove', label: string): void => {
    issue.labelEvents.push({
      id: world.state.nextId('event'),
      user,
      label,
      action,
      at: world.clock.now(),
    });
  };
  after.filter((label) => !before.includes(label)).forEach((label) => record('add', label));
  before.filter((label) => !after.includes(label)).forEach((label) => record('remove', label));
}

function changeState({ world, user, params }: Call, issue: Issue): void {
  const event = params.oneOf('state_event', ['close', 'reopen']);
  const now = world.clock.now();
  if (event === 'close' && issue.state === 'opened') {
    issue.state = 'closed';
    issue.closedAt = now;
    issue.closedBy = user;
    issue.updatedAt = now;
    addSystemNote(world, issue, { author: user, body: 'closed' });
    tellIssue(world, issue, { action: 'close', user });
  }
  if (event === 'reopen' && issue.state === 'closed') {
    issue.state = 'opened';
    issue.closedAt = undefined;
    issue.closedBy = undefined;
    issue.updatedAt = now;
    addSystemNote(world, issue, { author: user, body: 'reopened' });
    tellIssue(world, issue, { action: 'reopen', user });
  }
}

export const issueRoutes: readonly Route[] = [
  { method: 'GET', path: '/projects/{id}/issues', parameters: LIST, handle: list },
  { method: 'POST', path: '/projects/{id}/issues', parameters: WRITE, handle: create },
  {
    method: 'GET',
    path: '/projects/{id}/issues/{issue_iid}',
    parameters: [],
    handle: (call) => ({ body: issueEntity(call.world, issueOf(call)) }),
  },
  { method: 'PUT', path: '/projects/{id}/issues/{issue_iid}', parameters: WRITE, handle: update },
  {
    method: 'GET',
    path: '/projects/{id}/issues/{issue_iid}/resource_label_events',
    parameters: [],
    handle(call) {
      const issue = issueOf(call);
      return page(call, issue.labelEvents, ({ id, user, label, action, at }) => ({
        id,
        user: userEntity(call.world, user),
        created_at: at.toISOString(),
        resource_type: 'Issue',
        resource_id: issue.id,
        label: issue.project.labels.find(({ name }) => name === label) ?? null,
        action,
      }));
    },
  },
];
