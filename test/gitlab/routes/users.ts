import { currentUserEntity, tokenEntity, userEntity } from '../entities/user.ts';
import { page } from '../paging.ts';
import { ApiProblem, notFound } from '../problem.ts';
import { part, type Call, type Reply, type Route } from '../route.ts';
import { rotateToken } from '../tokens.ts';
import { isPremium } from '../world.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

function metadata({ world }: Call): Reply {
  const { version } = world.behaviour;
  return {
    body: {
      version: `${version}${isPremium(world) ? '-ee' : ''}`,
      revision: '0000000000f',
      kas: { enabled: false, externalUrl: null, externalK8sProxyUrl: null, version: null },
      enterprise: isPremium(world),
    },
  };
}

function rotate(kind: 'project' | 'group' | undefined) {
  return ({ world, token, params }: Call): Reply => {
    if (token.resource?.kind !== kind) {
      throw new ApiProblem(405, { message: '405 Method Not Allowed' });
    }
    const now = world.clock.now();
    const next = rotateToken(
      world,
      token,
      params.time('expires_at') ?? new Date(now.getTime() + 7 * DAY_MS),
    );
    return {
      body: {
        ...tokenEntity(next, now),
        ...(kind === undefined ? {} : { access_level: 30 }),
        token: next.value,
      },
    };
  };
}

/** Who one is, what one's token may do, and who others are. */
export const userRoutes: readonly Route[] = [
  { method: 'GET', path: '/version', scope: 'read_user', handle: metadata },
  { method: 'GET', path: '/metadata', scope: 'read_user', handle: metadata },
  {
    method: 'GET',
    path: '/user',
    parameters: [],
    scope: 'read_user',
    handle: ({ world, user }) => ({ body: currentUserEntity(world, user) }),
  },
  {
    method: 'GET',
    path: '/users',
    parameters: ['username', 'search', 'active', 'page', 'per_page'],
    scope: 'read_user',
    handle(call) {
      const { world, params } = call;
      const username = params.text('username')?.toLowerCase();
      const users = [...world.state.users.values()].filter(
        (user) => username === undefined || user.username.toLowerCase() === username,
      );
      return page(call, users, (user) => userEntity(world, user));
    },
  },
  {
    method: 'GET',
    path: '/users/{id}',
    parameters: [],
    scope: 'read_user',
    handle(call) {
      const user = call.world.state.users.get(Number(part(call, 'id')));
      if (user === undefined) {
        throw notFound('User');
      }
      return { body: { ...userEntity(call.world, user), bot: user.bot } };
    },
  },
  {
    method: 'GET',
    path: '/personal_access_tokens/self',
    scope: 'read_user',
    handle: ({ world, token }) => ({ body: tokenEntity(token, world.clock.now()) }),
  },
  {
    method: 'POST',
    path: '/personal_access_tokens/self/rotate',
    scope: 'self_rotate',
    handle: rotate(undefined),
  },
  {
    method: 'POST',
    path: '/projects/{id}/access_tokens/self/rotate',
    scope: 'self_rotate',
    handle: rotate('project'),
  },
  {
    method: 'POST',
    path: '/groups/{id}/access_tokens/self/rotate',
    scope: 'self_rotate',
    handle: rotate('group'),
  },
];
