import type { AccessLevel, Group, Project, User } from '../records.ts';
import type { World } from '../world.ts';
import { hookTime } from './sections.ts';

const ACCESS_NAMES: Record<AccessLevel, string> = {
  10: 'Guest',
  15: 'Planner',
  20: 'Reporter',
  30: 'Developer',
  40: 'Maintainer',
  50: 'Owner',
};

/** Project Hook, which only hooks of groups have: a project came, went or has another name. */
export function tellProject(
  world: World,
  project: Project,
  event: 'project_create' | 'project_destroy' | 'project_rename' | 'project_transfer',
  oldPath?: string,
): void {
  const now = hookTime(world.clock.now());
  const payload = {
    event_name: event,
    created_at: hookTime(project.createdAt),
    updated_at: now,
    name: project.name,
    path: project.path.slice(project.path.lastIndexOf('/') + 1),
    path_with_namespace: project.path,
    project_id: project.id,
    project_namespace_id: project.group.id,
    owners: [],
    project_visibility: project.visibility,
    ...(oldPath === undefined ? {} : { old_path_with_namespace: oldPath }),
  };
  const { group } = project;
  world.webhooks.later(async () => {
    world.webhooks.fire({ group }, { flag: 'project_events', name: 'Project Hook', payload });
  });
}

/** Member Hook, which only hooks of groups have; members of a project alone are not told. */
export function tellMember(
  world: World,
  group: Group,
  {
    user,
    level,
    event,
  }: {
    user: User;
    level: AccessLevel;
    event: 'user_add_to_group' | 'user_update_for_group' | 'user_remove_from_group';
  },
): void {
  const now = hookTime(world.clock.now());
  const payload = {
    created_at: now,
    updated_at: now,
    group_name: group.name,
    group_path: group.path.slice(group.path.lastIndexOf('/') + 1),
    group_id: group.id,
    user_username: user.username,
    user_name: user.name,
    user_email: '[REDACTED]',
    user_id: user.id,
    group_access: ACCESS_NAMES[level],
    group_plan: null,
    expires_at: null,
    event_name: event,
  };
  world.webhooks.later(async () => {
    world.webhooks.fire({ group }, { flag: 'member_events', name: 'Member Hook', payload });
  });
}
