import { createHash } from 'node:crypto';

import { Type } from 'typebox';
import type { Static, TSchema } from 'typebox';

import type { Role } from '../../domain/role.ts';
import { lowest } from '../../domain/role.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Actor, TrustedText } from '../acts.ts';
import type { ForgeRepo } from '../forge.ts';
import type { GitlabClient } from './client.ts';
import { read } from './shape.ts';

export const Person = Type.Object({ id: Type.Integer(), username: Type.String() });
const Member = Type.Object({ access_level: Type.Integer(), state: Type.Optional(Type.String()) });

/** Of a thing on which a hundred times as much happened, the oldest is of no use to anybody. */
const MOST_PAGES = 20;

/** What is read for one look: each thing and each person once. */
export interface ActSource {
  /** Undefined: it is not there, or we may not see it. */
  one<Schema extends TSchema>(schema: Schema, path: string): Promise<Static<Schema> | undefined>;
  /** All pages; empty where the list is not there. */
  list<Schema extends TSchema>(schema: Schema, path: string): Promise<Static<Schema>[]>;
  /** Who that is here; undefined for an account that was deleted. */
  actor(person: Static<typeof Person> | null | undefined): Promise<Actor | undefined>;
  /** Our own account. */
  us(): Promise<Static<typeof Person>>;
}

/** `path` is below the project. */
export function createActSource(
  client: Pick<GitlabClient, 'send'>,
  repo: ForgeRepo,
  signal: AbortSignal,
): ActSource {
  const project = `projects/${encodeURIComponent(repo.location)}`;
  const people = new Map<number, Promise<Role>>();
  let us: Promise<Static<typeof Person>> | undefined;
  const get = (path: string) =>
    client.send({ method: 'GET', path, repeatable: true, expects: 'json' }, signal);

  const one: ActSource['one'] = async (schema, path) => {
    try {
      const { body } = await get(`${project}/${path}`);
      return read(schema, body, path);
    } catch (error) {
      return isMissing(error) ? undefined : Promise.reject(error);
    }
  };
  const roleOf = async (id: number): Promise<Role> => {
    const member = await one(Member, `members/all/${id}`);
    return member === undefined || (member.state ?? 'active') !== 'active'
      ? 'outsider'
      : roleAt(member.access_level);
  };
  return {
    one,
    async list(schema, path) {
      const found: Static<typeof schema>[] = [];
      let page = '1';
      for (let pages = 0; pages < MOST_PAGES && page !== ''; pages += 1) {
        const joint = path.includes('?') ? '&' : '?';
        const { body, headers } = await get(
          `${project}/${path}${joint}per_page=100&page=${page}`,
        ).catch((error: unknown) =>
          isMissing(error) ? { body: [], headers: {} } : Promise.reject(error),
        );
        found.push(...read(Type.Array(schema), body, path));
        page = new Map(Object.entries(headers)).get('x-next-page') ?? '';
      }
      return found;
    },
    async actor(person) {
      if (person === null || person === undefined) {
        return undefined;
      }
      us ??= get('user').then(({ body }) => read(Person, body, 'our account'));
      const role = people.get(person.id) ?? roleOf(person.id);
      people.set(person.id, role);
      return {
        id: person.id,
        username: person.username,
        role: await role,
        isUs: (await us).id === person.id,
      };
    },
    us: async () => {
      us ??= get('user').then(({ body }) => read(Person, body, 'our account'));
      return us;
    },
  };
}

/** GitLab's levels: 10 guest, 15 planner, 20 reporter, 30 developer, 40 maintainer, 50 owner. */
function roleAt(level: number): Role {
  const [role] =
    (
      [
        ['owner', 50],
        ['maintainer', 40],
        ['developer', 30],
        ['reporter', 20],
        ['guest', 10],
      ] as const
    ).find(([, from]) => level >= from) ?? [];
  return role ?? 'outsider';
}

/** GitLab answers 404 for what we may not see as well. */
function isMissing(error: unknown): boolean {
  return error instanceof AppError && error.code === 'FORGE_NOT_FOUND';
}

export function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** A job that reads these texts can be trusted as the least of those who wrote or endorsed them, and its actor. */
export function trustOf(actor: Actor, texts: readonly TrustedText[]): Role {
  return lowest(actor.role, ...texts.map(({ role }) => role));
}
