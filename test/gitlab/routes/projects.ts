import {
  groupMembers,
  groupOf,
  levelIn,
  maySee,
  projectLevel,
  projectMembers,
  projectOf,
} from '../access.ts';
import {
  groupEntity,
  projectEntity,
  protectedBranchEntity,
  simpleProjectEntity,
} from '../entities/project.ts';
import { page } from '../paging.ts';
import type { Params } from '../params.ts';
import { notFound } from '../problem.ts';
import type { Group, Project } from '../records.ts';
import { part, type Call, type Reply, type Route } from '../route.ts';

function select({ world, user }: Call, params: Params, projects: readonly Project[]): Project[] {
  const archived = params.flag('archived');
  const topics = params.list('topic');
  const search = params.text('search')?.toLowerCase();
  const after = params.time('last_activity_after');
  const before = params.time('last_activity_before');
  const level = params.integer('min_access_level');
  const [idAfter, idBefore] = [params.integer('id_after'), params.integer('id_before')];
  return projects.filter(
    (project) =>
      maySee(world, project, user) &&
      (!params.flag('membership') || projectMembers(project).has(user.id)) &&
      (level === undefined || projectLevel(world, project, user) >= level) &&
      (archived === undefined || project.archived === archived) &&
      (topics === undefined || topics.every((topic) => project.topics.includes(topic))) &&
      (search === undefined || project.path.toLowerCase().includes(search)) &&
      (after === undefined || project.lastActivityAt > after) &&
      (before === undefined || project.lastActivityAt < before) &&
      (idAfter === undefined || project.id > idAfter) &&
      (idBefore === undefined || project.id < idBefore),
  );
}

function list(call: Call, projects: readonly Project[]): Promise<Reply> {
  const { world, user, params } = call;
  const orderBy = params.oneOf('order_by', [
    'id',
    'name',
    'path',
    'created_at',
    'updated_at',
    'last_activity_at',
    'similarity',
    'star_count',
  ]);
  const key = (project: Project): number | string => {
    if (orderBy === 'id' || orderBy === 'name' || orderBy === 'path') {
      return project[orderBy];
    }
    return orderBy === 'last_activity_at' || orderBy === 'updated_at'
      ? project.lastActivityAt.getTime()
      : project.createdAt.getTime();
  };
  const sign = params.text('sort') === 'asc' ? 1 : -1;
  const sorted = select(call, params, projects).sort((left, right) => {
    const [a, b] = [key(left), key(right)];
    return sign * (a < b ? -1 : a > b ? 1 : left.id - right.id);
  });
  return page(
    call,
    sorted,
    (project) =>
      params.flag('simple')
        ? simpleProjectEntity(world, project, user)
        : projectEntity(world, project, user),
    { keyset: ({ id }) => String(id) },
  );
}

function isBelow(group: Group, ancestor: Group): boolean {
  return group === ancestor || (group.parent !== undefined && isBelow(group.parent, ancestor));
}

/** Discovery: projects, groups, and which branches are protected. */
export const projectRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/projects',
    accepts: ['pagination', 'cursor', 'id_after', 'id_before', 'order_by', 'sort'],
    handle: (call) => list(call, [...call.world.state.projects.values()]),
  },
  {
    method: 'GET',
    path: '/projects/{id}',
    handle: (call) => ({ body: projectEntity(call.world, projectOf(call), call.user) }),
  },
  {
    method: 'GET',
    path: '/groups',
    parameters: [
      'search',
      'min_access_level',
      'top_level_only',
      'all_available',
      'order_by',
      'sort',
    ],
    handle(call) {
      const { world, user, params } = call;
      const level = Math.max(params.integer('min_access_level') ?? 0, 1);
      const search = params.text('search')?.toLowerCase() ?? '';
      const groups = [...world.state.groups.values()].filter(
        (group) =>
          levelIn(world, groupMembers(group), user) >= level &&
          group.path.toLowerCase().includes(search) &&
          !(params.flag('top_level_only') && group.parent),
      );
      return page(call, groups, (group) => groupEntity(world, group));
    },
  },
  {
    method: 'GET',
    path: '/groups/{id}',
    parameters: ['with_projects', 'with_custom_attributes'],
    handle: (call) => ({ body: groupEntity(call.world, groupOf(call)) }),
  },
  {
    method: 'GET',
    path: '/groups/{id}/projects',
    accepts: ['pagination', 'id_after', 'id_before', 'last_activity_after', 'topic'],
    handle(call) {
      const group = groupOf(call);
      const within = call.params.flag('include_subgroups');
      const projects = [...call.world.state.projects.values()].filter((project) =>
        within ? isBelow(project.group, group) : project.group === group,
      );
      return list(call, projects);
    },
  },
  {
    method: 'GET',
    path: '/projects/{id}/protected_branches',
    handle(call) {
      const { protectedBranches } = projectOf(call, 30);
      return page(call, protectedBranches, (branch) => protectedBranchEntity(call.world, branch));
    },
  },
  {
    method: 'GET',
    path: '/projects/{id}/protected_branches/{name}',
    parameters: [],
    handle(call) {
      const found = projectOf(call, 30).protectedBranches.find(
        ({ name }) => name === part(call, 'name'),
      );
      if (found === undefined) {
        throw notFound();
      }
      return { body: protectedBranchEntity(call.world, found) };
    },
  },
];
