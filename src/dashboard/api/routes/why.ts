import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';

import { Why, whyJob, whyRepo } from '../../../db/views/why.ts';
import { JobId } from '../../../db/views/wire.ts';
import type { ApiDeps } from '../deps.ts';
import { found, numberOf, repoIdOf } from '../ids.ts';
import { RepoParams } from './repos.ts';

/** Why nothing happens. */
export const whyRoutes: FastifyPluginAsyncTypebox<Pick<ApiDeps, 'db' | 'clock'>> = async (
  app,
  { db, clock },
) => {
  app.get(
    '/repos/:id/why',
    {
      schema: {
        tags: ['repos'],
        summary: 'Why its agents stand still, each with what to do',
        params: RepoParams,
        response: { 200: Why },
      },
    },
    async ({ params: { id } }) =>
      found(await whyRepo(db, await repoIdOf(db, id), clock.now()), `repository ${id}`),
  );

  app.get(
    '/jobs/:id/why',
    {
      schema: {
        tags: ['jobs'],
        summary: 'Why it does not go on, with what to do',
        params: Type.Object({ id: JobId }),
        response: { 200: Why },
      },
    },
    async ({ params: { id } }) => found(await whyJob(db, numberOf(id), clock.now()), `job ${id}`),
  );
};
