import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';

import { AuditEntry, listAudit } from '../../../db/views/audit-list.ts';
import { Stats, readStats } from '../../../db/views/stats.ts';
import type { ApiDeps } from '../deps.ts';
import { optionalRepoId } from '../ids.ts';
import { pageNext, pageQuery } from '../paging.ts';

/** Who did what, and how much of it there is. */
export const recordRoutes: FastifyPluginAsyncTypebox<Pick<ApiDeps, 'db'>> = async (app, { db }) => {
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
};
