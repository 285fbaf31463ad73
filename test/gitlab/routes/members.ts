import { groupMembers, groupOf, projectMembers, projectOf } from '../access.ts';
import { memberEntity } from '../entities/user.ts';
import { page } from '../paging.ts';
import { notFound } from '../problem.ts';
import type { Membership } from '../records.ts';
import { part, type Call, type Reply, type Route } from '../route.ts';

const FILTERS = ['query', 'user_ids', 'state', 'page', 'per_page', 'skip_users'];

function list(call: Call, members: Map<number, Membership>): Promise<Reply> {
  const wanted = call.params.integers('user_ids');
  const rows = [...members].filter(([id]) => wanted === undefined || wanted.includes(id));
  return page(call, rows, ([id, membership]) => render(call, id, membership));
}

function one(call: Call, members: Map<number, Membership>): Reply {
  const id = Number(part(call, 'user_id'));
  const membership = members.get(id);
  const body = membership && render(call, id, membership);
  if (!body) {
    throw notFound();
  }
  return { body };
}

function render({ world }: Call, id: number, membership: Membership) {
  const user = world.state.users.get(id);
  return user ? memberEntity(world, user, membership) : undefined;
}

/** `members` are those of the project or group itself, `members/all` also the inherited ones. */
export const memberRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/projects/{id}/members',
    parameters: FILTERS,
    handle: (call) => list(call, projectOf(call).members),
  },
  {
    method: 'GET',
    path: '/projects/{id}/members/all',
    parameters: FILTERS,
    handle: (call) => list(call, projectMembers(projectOf(call))),
  },
  {
    method: 'GET',
    path: '/projects/{id}/members/{user_id}',
    parameters: [],
    handle: (call) => one(call, projectOf(call).members),
  },
  {
    method: 'GET',
    path: '/projects/{id}/members/all/{user_id}',
    handle: (call) => one(call, projectMembers(projectOf(call))),
  },
  {
    method: 'GET',
    path: '/groups/{id}/members',
    parameters: FILTERS,
    handle: (call) => list(call, groupOf(call).members),
  },
  {
    method: 'GET',
    path: '/groups/{id}/members/all',
    parameters: FILTERS,
    handle: (call) => list(call, groupMembers(groupOf(call))),
  },
  {
    method: 'GET',
    path: '/groups/{id}/members/all/{user_id}',
    parameters: [],
    handle: (call) => one(call, groupMembers(groupOf(call))),
  },
];
