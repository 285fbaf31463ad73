import { groupMembers, levelIn, projectLevel } from '../access.ts';
import type { Group, Project, ProtectedBranch, User } from '../records.ts';
import { isPremium, type World } from '../world.ts';

const LEVEL_NAMES = new Map([
  [0, 'No one'],
  [30, 'Developers + Maintainers'],
  [40, 'Maintainers'],
]);

/** What `simple=true` leaves of a project. */
export function simpleProjectEntity(world: World, project: Project, user: User) {
  const { url } = world;
  const { group } = project;
  const leaf = project.path.slice(project.path.lastIndexOf('/') + 1);
  return {
    id: project.id,
    description: project.description ?? null,
    name: project.name,
    name_with_namespace: `${group.name} / ${project.name}`,
    path: leaf,
    path_with_namespace: project.path,
    created_at: project.createdAt.toISOString(),
    // Who may not read the code is not told.
    ...(readsCode(world, project, user)
      ? { default_branch: project.hasCode ? project.defaultBranch : null }
      : {}),
    tag_list: project.topics,
    topics: project.topics,
    ssh_url_to_repo: `git@${new URL(url).hostname}:${project.path}.git`,
    http_url_to_repo: `${url}/${project.path}.git`,
    web_url: `${url}/${project.path}`,
    readme_url: null,
    forks_count: 0,
    avatar_url: null,
    star_count: 0,
    last_activity_at: project.lastActivityAt.toISOString(),
    namespace: {
      id: group.id,
      name: group.name,
      path: group.path.slice(group.path.lastIndexOf('/') + 1),
      kind: 'group',
      full_path: group.path,
      parent_id: group.parent?.id ?? null,
      avatar_url: null,
      web_url: `${url}/groups/${group.path}`,
    },
  };
}

export function projectEntity(world: World, project: Project, user: User) {
  const { settings } = project;
  return {
    ...simpleProjectEntity(world, project, user),
    empty_repo: !project.hasCode,
    repository_object_format: 'sha1',
    archived: project.archived,
    visibility: project.visibility,
    issues_enabled: true,
    merge_requests_enabled: true,
    jobs_enabled: true,
    snippets_enabled: true,
    can_create_merge_request_in: true,
    issues_access_level: 'enabled',
    repository_access_level: 'enabled',
    merge_requests_access_level: 'enabled',
    builds_access_level: 'enabled',
    lfs_enabled: true,
    creator_id: null,
    import_status: 'none',
    ci_config_path: null,
    shared_with_groups: [],
    only_allow_merge_if_pipeline_succeeds: settings.onlyAllowMergeIfPipelineSucceeds,
    allow_merge_on_skipped_pipeline: settings.allowMergeOnSkippedPipeline,
    only_allow_merge_if_all_discussions_are_resolved:
      settings.onlyAllowMergeIfAllDiscussionsAreResolved,
    remove_source_branch_after_merge: settings.removeSourceBranchAfterMerge,
    request_access_enabled: true,
    merge_method: settings.mergeMethod,
    squash_option: settings.squash,
    ...(project.forkedFrom === undefined
      ? {}
      : { forked_from_project: simpleProjectEntity(world, project.forkedFrom, user) }),
    ...(isPremium(world)
      ? { merge_pipelines_enabled: false, merge_trains_enabled: false, approvals_before_merge: 0 }
      : {}),
    permissions: {
      project_access: access(levelIn(world, project.members, user)),
      group_access: access(levelIn(world, groupMembers(project.group), user)),
    },
  };
}

export function groupEntity({ url }: World, group: Group) {
  return {
    id: group.id,
    web_url: `${url}/groups/${group.path}`,
    name: group.name,
    path: group.path.slice(group.path.lastIndexOf('/') + 1),
    description: '',
    visibility: 'private',
    avatar_url: null,
    full_name: group.name,
    full_path: group.path,
    created_at: group.createdAt.toISOString(),
    parent_id: group.parent?.id ?? null,
  };
}

export function protectedBranchEntity(world: World, branch: ProtectedBranch) {
  const levels = (level: number) => [
    {
      id: branch.id,
      access_level: level,
      access_level_description: LEVEL_NAMES.get(level) ?? `Level ${level}`,
      ...(isPremium(world) ? { user_id: null, group_id: null } : {}),
    },
  ];
  return {
    id: branch.id,
    name: branch.name,
    push_access_levels: levels(branch.pushLevel),
    merge_access_levels: levels(branch.mergeLevel),
    allow_force_push: branch.allowForcePush,
    ...(isPremium(world)
      ? {
          unprotect_access_levels: [],
          code_owner_approval_required: branch.codeOwnerApprovalRequired,
          inherited: false,
        }
      : {}),
  };
}

function readsCode(world: World, project: Project, user: User): boolean {
  return project.visibility !== 'private' || projectLevel(world, project, user) >= 20;
}

function access(level: number) {
  return level === 0 ? null : { access_level: level, notification_level: 3 };
}
