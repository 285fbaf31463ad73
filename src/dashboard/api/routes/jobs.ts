import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';

import { JobDetail, findJobDetail, readDiff } from '../../../db/views/job-detail.ts';
import { Job, findJobRow, jobOf, listJobs } from '../../../db/views/job-list.ts';
import { Trace, traceJob } from '../../../db/views/trace.ts';
import { AgentName, JobId } from '../../../db/views/wire.ts';
import { JOB_STATES } from '../../../domain/job-state.ts';
import type { ApiDeps } from '../deps.ts';
import { found, numberOf, optionalRepoId, repoIdOf } from '../ids.ts';
import { pageNext, pageQuery } from '../paging.ts';

const JobParams = Type.Object({ id: JobId });

/** Jobs: reading them, and starting one by hand. */
export const jobRoutes: FastifyPluginAsyncTypebox<
  Pick<ApiDeps, 'db' | 'acts' | 'operator'>
> = async (app, { db, acts, operator: actor }) => {
  app.get(
    '/jobs',
    {
      schema: {
        tags: ['jobs'],
        summary: 'Jobs, newest first',
        querystring: Type.Object({
          ...pageQuery,
          repo: Type.Optional(Type.String()),
          agent: Type.Optional(AgentName),
          state: Type.Optional(Type.Array(Type.Enum([...JOB_STATES]), { maxItems: 9 })),
          root: Type.Optional(JobId),
        }),
        response: { 200: Type.Object({ jobs: Type.Array(Job), ...pageNext }) },
      },
    },
    async ({ query: { limit, cursor, repo, agent, state, root } }) => {
      const filter = {
        repoId: await optionalRepoId(db, repo),
        agent,
        states: state,
        rootId: root === undefined ? undefined : numberOf(root),
      };
      const { items, next } = await listJobs(db, filter, { limit, before: cursor });
      return { jobs: items, next };
    },
  );

  app.post(
    '/jobs',
    {
      schema: {
        tags: ['jobs'],
        summary: 'Start a job by hand',
        body: Type.Object(
          {
            repo: Type.String({ minLength: 1 }),
            agent: AgentName,
            task: Type.String({ minLength: 1, maxLength: 65_536 }),
          },
          { additionalProperties: false },
        ),
        response: { 201: Job },
      },
    },
    async ({ body: { repo, agent, task } }, reply) => {
      const { jobId } = await acts.runJob({
        repoId: await repoIdOf(db, repo),
        agent,
        task,
        actor,
      });
      return reply.code(201).send(jobOf(found(await findJobRow(db, jobId), 'such job')));
    },
  );

  app.get(
    '/jobs/:id',
    {
      schema: {
        tags: ['jobs'],
        summary: 'One job, with its attempts, effects and gates',
        params: JobParams,
        response: { 200: JobDetail },
      },
    },
    async ({ params }) => found(await findJobDetail(db, numberOf(params.id)), `job ${params.id}`),
  );

  app.get(
    '/jobs/:id/diff',
    {
      schema: {
        tags: ['jobs'],
        summary: 'What it changed, as text',
        params: JobParams,
        produces: ['text/plain'],
      },
    },
    async ({ params }, reply) => {
      found(await findJobRow(db, numberOf(params.id)), `job ${params.id}`);
      return reply
        .type('text/plain; charset=utf-8')
        .send((await readDiff(db, numberOf(params.id))) ?? '');
    },
  );

  app.get(
    '/jobs/:id/trace',
    {
      schema: {
        tags: ['jobs'],
        summary: 'Where it comes from, what came of it, who agreed, what it cost',
        params: JobParams,
        response: { 200: Trace },
      },
    },
    async ({ params }) => found(await traceJob(db, numberOf(params.id)), `job ${params.id}`),
  );
};
