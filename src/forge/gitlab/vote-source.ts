import { Type, type Static, type TSchema } from 'typebox';

import { AppError } from '../../kernel/errors.ts';
import type { ForgeRepo } from '../forge.ts';
import type { GitlabClient } from './client.ts';
import { isNotFound } from './heads.ts';
import { read } from './shape.ts';

export const orNull = <Schema extends TSchema>(schema: Schema) =>
  Type.Optional(Type.Union([schema, Type.Null()]));

export const Person = Type.Object({ id: Type.Integer(), username: Type.String() });

/** A list that is longer is no list of a merge request that people read. */
const MOST_PAGES = 100;

/** Reads what a vote hangs on. Paths are below the project, those that begin with a slash below the API. */
export interface VoteSource {
  one<Schema extends TSchema>(schema: Schema, path: string): Promise<Static<Schema>>;
  /** Undefined: it is not there, or we may not see it. */
  find<Schema extends TSchema>(schema: Schema, path: string): Promise<Static<Schema> | undefined>;
  /** As `one`, with the time of the forge's answer. */
  timed<Schema extends TSchema>(
    schema: Schema,
    path: string,
  ): Promise<{ value: Static<Schema>; at: Date | undefined }>;
  /** Every page; TOO_LARGE rather than a part of it. */
  list<Schema extends TSchema>(schema: Schema, path: string): Promise<Static<Schema>[]>;
  /** Our own account. */
  us(): Promise<Static<typeof Person>>;
}

export function createVoteSource(
  client: Pick<GitlabClient, 'send'>,
  repo: Pick<ForgeRepo, 'location'>,
  signal: AbortSignal,
): VoteSource {
  const project = `projects/${encodeURIComponent(repo.location)}`;
  const get = (path: string) =>
    client.send(
      {
        method: 'GET',
        path: path.startsWith('/') ? path.slice(1) : `${project}/${path}`,
        repeatable: true,
        expects: 'json',
      },
      signal,
    );
  const one: VoteSource['one'] = async (schema, path) => read(schema, (await get(path)).body, path);
  return {
    one,
    async find(schema, path) {
      try {
        return await one(schema, path);
      } catch (error) {
        return isNotFound(error) ? undefined : Promise.reject(error);
      }
    },
    async timed(schema, path) {
      const { body, headers } = await get(path);
      const at = Date.parse(headers['date'] ?? '');
      return { value: read(schema, body, path), at: Number.isNaN(at) ? undefined : new Date(at) };
    },
    async list(schema, path) {
      const found: Static<typeof schema>[] = [];
      const joint = path.includes('?') ? '&' : '?';
      let page = '1';
      for (let pages = 0; page !== ''; pages += 1) {
        if (pages === MOST_PAGES) {
          throw new AppError('TOO_LARGE', `${path} has more than ${MOST_PAGES * 100} entries.`, {
            remedy: 'No vote is counted on what cannot be read whole: close it and begin anew.',
          });
        }
        const { body, headers } = await get(`${path}${joint}per_page=100&page=${page}`);
        found.push(...read(Type.Array(schema), body, path));
        page = headers['x-next-page'] ?? '';
      }
      return found;
    },
    us: () => one(Person, '/user'),
  };
}
