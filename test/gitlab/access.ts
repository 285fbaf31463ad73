import { forbidden, notFound, unauthorized } from './problem.ts';
import { ApiProblem } from './problem.ts';
import type { AccessLevel, Group, Membership, Project, User } from './records.ts';
import { part, type Call } from './route.ts';
import { findGroup, findMovedProject, findProject } from './state.ts';
import type { World } from './world.ts';

/** All members with their highest level: the project's own and those of its group and that one's parents. */
export function projectMembers(project: Project): Map<number, Membership> {
  return mergeMembers([
    project.members,
    ...groupChain(project.group).map(({ members }) => members),
  ]);
}

export function groupMembers(group: Group): Map<number, Membership> {
  return mergeMembers(groupChain(group).map(({ members }) => members));
}

/** 0 for somebody who is no member; an expired membership counts as none. */
export function levelIn(
  { clock }: Pick<World, 'clock'>,
  members: Map<number, Membership>,
  user: User,
): AccessLevel | 0 {
  const membership = members.get(user.id);
  if (membership === undefined || user.state !== 'active') {
    return 0;
  }
  const { expiresAt } = membership;
  return expiresAt !== undefined && expiresAt <= clock.now() ? 0 : membership.level;
}

export function projectLevel(
  world: Pick<World, 'clock'>,
  project: Project,
  user: User,
): AccessLevel | 0 {
  return levelIn(world, projectMembers(project), user);
}

export function maySee(world: Pick<World, 'clock'>, project: Project, user: User): boolean {
  return project.visibility !== 'private' || projectLevel(world, project, user) > 0;
}

/**
 * The project of the path, for somebody who has `atLeast` in it. What one may not see is not there (404); what one
 * may see but not do is forbidden (403). A path that the project had before is answered with a redirect.
 */
export function projectOf(call: Call, atLeast: AccessLevel | 0 = 0): Project {
  const { world, user } = call;
  const id = part(call, 'id');
  const project = findProject(world.state, id);
  if (project === undefined) {
    throw moved(call, id) ?? notFound('Project');
  }
  if (!maySee(world, project, user)) {
    throw notFound('Project');
  }
  if (atLeast > 0 && projectLevel(world, project, user) < atLeast) {
    throw forbidden();
  }
  return project;
}

export function groupOf(call: Call, atLeast: AccessLevel | 0 = 0): Group {
  const group = findGroup(call.world.state, part(call, 'id'));
  const level = group === undefined ? 0 : levelIn(call.world, groupMembers(group), call.user);
  if (group === undefined || level === 0) {
    throw notFound('Group');
  }
  if (level < atLeast) {
    throw forbidden();
  }
  return group;
}

/** GitLab answers some refusals with 401 although the token is fine: approving and merging. */
export function requireLevel(call: Call, project: Project, level: AccessLevel): void {
  if (projectLevel(call.world, project, call.user) < level) {
    throw unauthorized();
  }
}

function moved({ world, user, url }: Call, id: string): ApiProblem | undefined {
  const project = findMovedProject(world.state, id);
  if (project === undefined || !maySee(world, project, user)) {
    return undefined;
  }
  const location = `${world.url}${url.pathname.replace(/\/projects\/[^/]+/, `/projects/${project.id}`)}${url.search}`;
  return new ApiProblem(
    301,
    { message: `This resource has been moved permanently to ${location}` },
    { location },
  );
}

function groupChain(group: Group): Group[] {
  return group.parent === undefined ? [group] : [group, ...groupChain(group.parent)];
}

function mergeMembers(lists: readonly Map<number, Membership>[]): Map<number, Membership> {
  const all = new Map<number, Membership>();
  for (const members of lists) {
    for (const [id, membership] of members) {
      const had = all.get(id);
      if (had === undefined || had.level < membership.level) {
        all.set(id, membership);
      }
    }
  }
  return all;
}
