import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

import { ApiProblem, unauthorized } from './problem.ts';
import type { AccessToken, Scope, User } from './records.ts';
import type { Route } from './route.ts';
import type { World } from './world.ts';

export function issueToken(
  { state, clock }: Pick<World, 'state' | 'clock'>,
  {
    user,
    name = 'token',
    scopes = ['api'],
    expiresAt,
    value = `glpat-${randomBytes(15).toString('base64url')}`,
    family,
    resource,
  }: {
    user: User;
    name?: string | undefined;
    scopes?: readonly Scope[] | undefined;
    expiresAt?: Date | undefined;
    value?: string | undefined;
    family?: number | undefined;
    resource?: AccessToken['resource'];
  },
): AccessToken {
  const id = state.nextId('token');
  const token: AccessToken = {
    id,
    value,
    name,
    user,
    scopes,
    createdAt: clock.now(),
    expiresAt,
    revoked: false,
    lastUsedAt: undefined,
    family: family ?? id,
    resource,
  };
  state.tokens.push(token);
  return token;
}

/**
 * Ends a token and makes its successor. The old value is dead at once; whoever uses it again has every token of
 * the family revoked, as a stolen one would be.
 */
export function rotateToken(
  world: Pick<World, 'state' | 'clock'>,
  token: AccessToken,
  expiresAt: Date,
): AccessToken {
  const { user, name, scopes, family, resource } = token;
  token.revoked = true;
  return issueToken(world, { user, name, scopes, family, resource, expiresAt });
}

/** The token of an API request; refuses what is unknown, revoked, expired or whose user is blocked. */
export function authenticate(
  world: Pick<World, 'state' | 'clock'>,
  headers: IncomingHttpHeaders,
): AccessToken {
  const value = sentToken(headers);
  const token = world.state.tokens.find((candidate) => candidate.value === value);
  if (token === undefined) {
    throw unauthorized();
  }
  const dead = deathOf(world, token);
  if (dead !== undefined) {
    if (token.revoked) {
      revokeFamily(world, token);
    }
    throw new ApiProblem(401, { error: 'invalid_token', error_description: dead });
  }
  if (token.user.state !== 'active') {
    throw new ApiProblem(403, { message: '403 Forbidden - Your account has been blocked.' });
  }
  token.lastUsedAt = world.clock.now();
  return token;
}

/** As `authenticate`, for git: any name and the token as password. Undefined is a refusal. */
export function authenticateGit(
  world: Pick<World, 'state' | 'clock'>,
  headers: IncomingHttpHeaders,
): AccessToken | undefined {
  const basic = /^Basic (.+)$/i.exec(headers.authorization ?? '')?.[1];
  const [name = '', ...rest] = Buffer.from(basic ?? '', 'base64')
    .toString()
    .split(':');
  const token = world.state.tokens.find((candidate) => candidate.value === rest.join(':'));
  if (name === '' || token === undefined || token.user.state !== 'active') {
    return undefined;
  }
  return deathOf(world, token) === undefined ? token : undefined;
}

/** 403 `insufficient_scope`, with the scopes that would do. */
export function requireScope(token: AccessToken, route: Route): void {
  const reads = route.method === 'GET' || route.method === 'HEAD' || route.reads;
  const enough: Scope[] = [
    'api',
    ...(reads ? (['read_api'] as const) : []),
    ...(route.scope ? [route.scope] : []),
  ];
  if (!enough.some((scope) => token.scopes.includes(scope))) {
    throw new ApiProblem(403, {
      error: 'insufficient_scope',
      error_description:
        'The request requires higher privileges than provided by the access token.',
      scope: enough.join(' '),
    });
  }
}

function sentToken(headers: IncomingHttpHeaders): string | undefined {
  const own = headers['private-token'];
  return (
    (Array.isArray(own) ? own[0] : own) ?? /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1]
  );
}

function deathOf({ clock }: Pick<World, 'clock'>, token: AccessToken): string | undefined {
  if (token.revoked) {
    return 'Token was revoked. You have to re-authorize from the user.';
  }
  return token.expiresAt !== undefined && token.expiresAt <= clock.now()
    ? 'Token is expired. You can either do re-authorization or token refresh.'
    : undefined;
}

function revokeFamily({ state }: Pick<World, 'state'>, { family }: AccessToken): void {
  for (const token of state.tokens.filter((candidate) => candidate.family === family)) {
    token.revoked = true;
  }
}
