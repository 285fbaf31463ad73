import { projectOf } from './access.ts';
import { projectLevel } from './access.ts';
import type { Params } from './params.ts';
import { notFound } from './problem.ts';
import type { AccessLevel, Issue, MergeRequest, Project, User } from './records.ts';
import { part, type Call } from './route.ts';
import type { World } from './world.ts';

export function mergeRequestOf(call: Call, atLeast: AccessLevel | 0 = 0): MergeRequest {
  const project = projectOf(call, atLeast);
  const iid = Number(part(call, 'merge_request_iid'));
  const found = call.world.state.mergeRequests.find(
    (mergeRequest) => mergeRequest.project === project && mergeRequest.iid === iid,
  );
  if (found === undefined) {
    throw notFound();
  }
  return found;
}

/** A confidential issue is there for its author, its assignees and planners upwards only. */
export function issueOf(call: Call, atLeast: AccessLevel | 0 = 0): Issue {
  const project = projectOf(call, atLeast);
  const iid = Number(part(call, 'issue_iid'));
  const found = call.world.state.issues.find(
    (issue) => issue.project === project && issue.iid === iid,
  );
  if (found === undefined || !maySeeIssue(call.world, found, call.user)) {
    throw notFound();
  }
  return found;
}

export function maySeeIssue(world: World, issue: Issue, user: User): boolean {
  return (
    !issue.confidential ||
    issue.author === user ||
    issue.assignees.includes(user) ||
    projectLevel(world, issue.project, user) >= 15
  );
}

/** Labels are made when they are first used. */
export function ensureLabels(world: World, project: Project, names: readonly string[]): void {
  for (const name of names) {
    if (!project.labels.some((label) => label.name === name)) {
      project.labels.push({
        id: world.state.nextId('label'),
        name,
        color: '#6699cc',
        description: undefined,
        createdAt: world.clock.now(),
      });
    }
  }
}

/** `labels` replaces all, `add_labels` and `remove_labels` change some. Undefined: nothing was asked for. */
export function labelsAfter(params: Params, had: readonly string[]): string[] | undefined {
  const [all, add, remove] = [
    params.list('labels'),
    params.list('add_labels'),
    params.list('remove_labels'),
  ];
  if (all === undefined && add === undefined && remove === undefined) {
    return undefined;
  }
  const kept = (all ?? [...had, ...(add ?? [])]).filter((name) => !remove?.includes(name));
  return [...new Set(kept)].sort();
}

/** Unknown ids are left out, as GitLab does; 0 stands for nobody. */
export function usersByIds(world: World, ids: readonly number[]): User[] {
  return ids.flatMap((id) => world.state.users.get(id) ?? []);
}
