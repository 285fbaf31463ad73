import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';

import { Job, findJobRow, jobOf } from '../../../db/views/job-list.ts';
import { JobId } from '../../../db/views/wire.ts';
import type { ApiDeps } from '../deps.ts';
import { found, numberOf } from '../ids.ts';

const JobParams = Type.Object({ id: JobId });
const Message = Type.Object({ message: Type.String() });
const Note = Type.String({ minLength: 1, maxLength: 65_536 });
const strict = { additionalProperties: false };

/** What people do to a job. */
export const jobActRoutes: FastifyPluginAsyncTypebox<
  Pick<ApiDeps, 'db' | 'acts' | 'operator'>
> = async (app, { db, acts, operator: actor }) => {
  const numberOfJob = async (id: string): Promise<number> => {
    found(await findJobRow(db, numberOf(id)), `job ${id}`);
    return numberOf(id);
  };
  const readJob = async (id: number): Promise<Job> =>
    jobOf(found(await findJobRow(db, id), `job j_${id}`));

  app.post(
    '/jobs/:id/retry',
    {
      schema: {
        tags: ['jobs'],
        summary: 'A new job with the same root',
        params: JobParams,
        body: Type.Object({ note: Type.Optional(Note) }, strict),
        response: { 201: Job },
      },
    },
    async ({ params, body }, reply) => {
      const { jobId } = await acts.retryJob(await numberOfJob(params.id), {
        actor,
        note: body.note,
      });
      return reply.code(201).send(await readJob(jobId));
    },
  );

  app.post(
    '/jobs/:id/replay',
    {
      schema: {
        tags: ['jobs'],
        summary: 'Its recorded inputs again, staged: no effect is carried out',
        params: JobParams,
        body: Type.Object(
          { provider: Type.Optional(Type.Enum(['codex', 'claude', 'command'])) },
          strict,
        ),
        response: { 201: Job },
      },
    },
    async ({ params, body }, reply) => {
      const { jobId } = await acts.replayJob(await numberOfJob(params.id), {
        actor,
        provider: body.provider,
      });
      return reply.code(201).send(await readJob(jobId));
    },
  );

  app.post(
    '/jobs/:id/release',
    {
      schema: {
        tags: ['jobs'],
        summary: 'Carry out the effects of a staged job',
        params: JobParams,
        response: { 202: Message },
      },
    },
    async ({ params }, reply) =>
      reply.code(202).send(await acts.releaseJob(await numberOfJob(params.id), { actor })),
  );

  app.post(
    '/jobs/:id/cancel',
    {
      schema: {
        tags: ['jobs'],
        summary: 'Stop it; running work is ended within a second',
        params: JobParams,
        body: Type.Object({ reason: Type.Optional(Note) }, strict),
        response: { 202: Job },
      },
    },
    async ({ params, body }, reply) => {
      const id = await numberOfJob(params.id);
      await acts.cancelJob(id, { actor, reason: body.reason });
      return reply.code(202).send(await readJob(id));
    },
  );

  app.post(
    '/jobs/:id/grants',
    {
      schema: {
        tags: ['jobs'],
        summary: 'Raise the budget of this one job, once',
        params: JobParams,
        body: Type.Object(
          {
            usd: Type.Number({ exclusiveMinimum: 0, maximum: 100_000 }),
            reason: Type.Optional(Note),
          },
          strict,
        ),
        response: { 201: Message },
      },
    },
    async ({ params, body }, reply) => {
      const id = await numberOfJob(params.id);
      const microUsd = Math.round(body.usd * 1_000_000);
      return reply
        .code(201)
        .send(await acts.grantBudget(id, { actor, microUsd, reason: body.reason }));
    },
  );
};
