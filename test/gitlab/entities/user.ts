import type { AccessToken, Membership, User } from '../records.ts';
import type { World } from '../world.ts';

export function userEntity({ url }: World, { id, username, name, state }: User) {
  return {
    id,
    username,
    public_email: null,
    name,
    state,
    locked: false,
    avatar_url: null,
    web_url: `${url}/${username}`,
  };
}

export function userOrNull(world: World, user: User | undefined) {
  return user === undefined ? null : userEntity(world, user);
}

/** What `GET /user` says of oneself. */
export function currentUserEntity(world: World, user: User) {
  return {
    ...userEntity(world, user),
    created_at: user.createdAt.toISOString(),
    bio: '',
    bot: user.bot,
    email: user.email,
    commit_email: user.email,
    confirmed_at: user.createdAt.toISOString(),
    two_factor_enabled: false,
    external: false,
    private_profile: false,
    can_create_group: false,
    can_create_project: true,
  };
}

export function memberEntity(
  world: World,
  user: User,
  { level, createdAt, expiresAt }: Membership,
) {
  return {
    ...userEntity(world, user),
    access_level: level,
    created_at: createdAt.toISOString(),
    expires_at: expiresAt?.toISOString().slice(0, 10) ?? null,
    membership_state: 'active',
  };
}

export function tokenEntity(token: AccessToken, now: Date) {
  const alive = !token.revoked && (token.expiresAt === undefined || token.expiresAt > now);
  return {
    id: token.id,
    name: token.name,
    revoked: token.revoked,
    created_at: token.createdAt.toISOString(),
    description: null,
    scopes: token.scopes,
    user_id: token.user.id,
    last_used_at: token.lastUsedAt?.toISOString() ?? null,
    active: alive,
    expires_at: token.expiresAt?.toISOString().slice(0, 10) ?? null,
  };
}
