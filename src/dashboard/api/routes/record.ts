import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';

import { SWEEPS } from '../../../db/setbacks.ts';
import { AuditEntry, listAudit } from '../../../db/views/audit-list.ts';
import { Stats, readStats } from '../../../db/views/stats.ts';
import { LARGEST_ID } from '../../../db/views/wire.ts';
import { AppError } from '../../../kernel/errors.ts';
import type { ApiDeps } from '../deps.ts';
import { optionalRepoId } from '../ids.ts';
import { pageNext, pageQuery } from '../paging.ts';

/** Who did what, and how much of it there is. */
export const recordRoutes: FastifyPluginAsyncTypebox<
  Pick<ApiDeps, 'db' | 'acts' | 'operator'>
> = async (app, { db, acts, operator: actor }) => {
  app.get(
    '/audit',
    {
      schema: {
        tags: ['record'],
        summary: 'Who did what, newest first',
        querystring: Type.Object({ ...pageQuery, repo: Type.Optional(Type.String()) }),
        response: { 200: Type.Object({ audit: Type.Array(AuditEntry), ...pageNext }) },
      },
    },
    async ({ query: { limit, cursor, repo } }) => {
      const repoId = await optionalRepoId(db, repo);
      const { items, next } = await listAudit(db, { repoId }, { limit, before: cursor });
      return { audit: items, next };
    },
  );

  app.get(
    '/stats',
    {
      schema: { tags: ['record'], summary: 'Numbers on the whole of it', response: { 200: Stats } },
    },
    async () => readStats(db),
  );

  app.post(
    '/set-aside/retry',
    {
      schema: {
        tags: ['record'],
        summary: 'Try again what could not be handled: one row, or all of them',
        body: Type.Object(
          {
            what: Type.Optional(Type.Enum([...SWEEPS])),
            id: Type.Optional(Type.Integer({ minimum: 1, maximum: LARGEST_ID })),
          },
          { additionalProperties: false },
        ),
        response: { 202: Type.Object({ retried: Type.Integer() }) },
      },
    },
    async ({ body: { what, id } }, reply) => {
      if ((what === undefined) !== (id === undefined)) {
        throw new AppError('INVALID_REQUEST', 'what and id name a row together');
      }
      const row = what && id ? { sweep: what, rowId: id } : undefined;
      return reply.code(202).send(await acts.retrySetAside(row, { actor }));
    },
  );
};
