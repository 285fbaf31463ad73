import { Type, type Static } from 'typebox';

import type { Role } from '../../domain/role.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { ForgePerson } from '../tracker.ts';
import type { GitlabClient } from './client.ts';
import { isNotFound } from './heads.ts';
import { read } from './shape.ts';

export const Person = Type.Object({ id: Type.Integer(), username: Type.String() });

export function personOf({ id, username }: Static<typeof Person>): ForgePerson {
  return { id, username };
}

export function personOrNone(
  person: Static<typeof Person> | null | undefined,
): ForgePerson | undefined {
  return person === null || person === undefined ? undefined : personOf(person);
}

const Self = Type.Object({
  id: Type.Integer(),
  username: Type.String(),
  bot: Type.Optional(Type.Boolean()),
  is_admin: Type.Optional(Type.Boolean()),
  email: Type.Optional(Type.Union([Type.String(), Type.Null()])),
});

interface Self extends ForgePerson {
  readonly bot: boolean;
  readonly admin: boolean;
  readonly email: string | undefined;
}

const Member = Type.Object({
  id: Type.Integer(),
  username: Type.String(),
  state: Type.String(),
  access_level: Type.Integer(),
});

interface Member extends ForgePerson {
  readonly role: Role;
  /** Neither blocked nor waiting for somebody's approval. */
  readonly active: boolean;
}

export interface People {
  /** Whose token ours is; asked for again after some minutes, because a new token may be another account's. */
  self(signal: AbortSignal): Promise<Self>;
  /** A member, also by inheritance; undefined: none. */
  member(projectId: number, userId: number, signal: AbortSignal): Promise<Member | undefined>;
  /** Ids by name; who does not exist is left out. */
  ids(usernames: readonly string[], signal: AbortSignal): Promise<Map<string, number>>;
}

const REMEMBER_MS = 300_000;

export function createPeople({
  client,
  clock,
}: {
  client: Pick<GitlabClient, 'api' | 'token'>;
  clock: Clock;
}): People {
  let known: { self: Self; at: number; token: string } | undefined;

  return {
    async self(signal) {
      const now = clock.now().getTime();
      const token = await client.token.current();
      if (known && known.token === token && now - known.at < REMEMBER_MS) {
        return known.self;
      }
      const answer: unknown = await client.api(signal).users.showCurrentUser();
      const { id, username, bot, is_admin: admin, email } = read(Self, answer, 'our own account');
      const self = {
        id,
        username,
        bot: bot ?? false,
        admin: admin ?? false,
        email: email ?? undefined,
      };
      known = { self, at: now, token };
      return self;
    },
    async member(projectId, userId, signal) {
      try {
        const answer: unknown = await client
          .api(signal)
          .members.show(projectId, userId, { includeInherited: true });
        const member = read(Member, answer, `the member ${userId}`);
        return {
          ...personOf(member),
          role: roleOf(member.access_level),
          active: member.state === 'active',
        };
      } catch (error) {
        if (isNotFound(error)) {
          return undefined;
        }
        throw error;
      }
    },
    async ids(usernames, signal) {
      const found = new Map<string, number>();
      for (const username of usernames) {
        const answer: unknown = await client.api(signal).users.all({ username });
        const [user] = read(Type.Array(Person), answer, `the account ${username}`);
        if (user) {
          found.set(username, user.id);
        }
      }
      return found;
    },
  };
}

/** GitLab's levels: 10 guest, 15 planner, 20 reporter, 30 developer, 40 maintainer, 50 owner. */
export function roleOf(level: number): Role {
  if (level >= 50) {
    return 'owner';
  }
  if (level >= 40) {
    return 'maintainer';
  }
  if (level >= 30) {
    return 'developer';
  }
  if (level >= 20) {
    return 'reporter';
  }
  return level >= 10 ? 'guest' : 'outsider';
}
