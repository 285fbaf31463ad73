import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';

import { Control, findControl, listControls } from '../../../db/views/control-list.ts';
import { AgentName, LARGEST_ID } from '../../../db/views/wire.ts';
import { AppError } from '../../../kernel/errors.ts';
import type { ApiDeps } from '../deps.ts';
import { found, optionalRepoId } from '../ids.ts';
import { pageNext, pageQuery } from '../paging.ts';

/** Runners are counted by an `int` of Postgres. */
const LARGEST_RUNNER = 2_147_483_647;

const Order = Type.Object(
  {
    verb: Type.Enum(['pause', 'resume', 'drain']),
    repo: Type.Optional(Type.String({ minLength: 1, description: 'Without one: the whole fleet' })),
    agent: Type.Optional(AgentName),
    runner: Type.Optional(
      Type.Integer({ minimum: 1, maximum: LARGEST_RUNNER, description: 'drain only' }),
    ),
    reason: Type.Optional(Type.String({ minLength: 1, maxLength: 1000 })),
    until: Type.Optional(Type.String({ format: 'date-time', description: 'pause only' })),
  },
  { additionalProperties: false },
);

/** Pauses and other orders to running parts. */
export const controlRoutes: FastifyPluginAsyncTypebox<
  Pick<ApiDeps, 'db' | 'acts' | 'operator' | 'clock'>
> = async (app, { db, acts, operator: actor, clock }) => {
  app.get(
    '/controls',
    {
      schema: {
        tags: ['steering'],
        summary: 'Pauses, cancels and drains, newest first',
        querystring: Type.Object({
          ...pageQuery,
          repo: Type.Optional(Type.String()),
          active: Type.Optional(Type.Boolean({ description: 'Only pauses that hold now' })),
        }),
        response: { 200: Type.Object({ controls: Type.Array(Control), ...pageNext }) },
      },
    },
    async ({ query: { limit, cursor, repo, active } }) => {
      const repoId = await optionalRepoId(db, repo);
      const { items, next } = await listControls(db, { repoId, active }, { limit, before: cursor });
      return { controls: items, next };
    },
  );

  app.post(
    '/controls',
    {
      schema: {
        tags: ['steering'],
        summary: 'Pause, resume or drain',
        body: Order,
        response: {
          200: Type.Object({ lifted: Type.Integer({ description: 'How many pauses ended' }) }),
          201: Control,
        },
      },
    },
    async ({ body: { verb, repo, agent, runner, reason, until } }, reply) => {
      if (agent !== undefined && repo === undefined) {
        throw new AppError('INVALID_REQUEST', 'repo is missing: an agent is one of a repository');
      }
      const scope = { repoId: await optionalRepoId(db, repo), agent };

      if (verb === 'resume') {
        return reply.code(200).send(await acts.resume(scope, { actor }));
      }
      if (reason === undefined) {
        throw new AppError('INVALID_REQUEST', `reason is missing: ${verb} needs one`);
      }
      if (verb === 'pause') {
        const at = until === undefined ? undefined : new Date(until);
        if (at !== undefined && at <= clock.now()) {
          throw new AppError('INVALID_REQUEST', 'until lies in the past');
        }
        const { controlId } = await acts.pause(scope, { actor, reason, until: at });
        return reply.code(201).send(found(await findControl(db, controlId), 'such control'));
      }
      if (runner === undefined) {
        throw new AppError('INVALID_REQUEST', 'runner is missing: drain needs one');
      }
      const { controlId } = await acts.drain(runner, { actor, reason });
      return reply.code(201).send(found(await findControl(db, controlId), 'such control'));
    },
  );

  app.delete(
    '/controls/:id',
    {
      schema: {
        tags: ['steering'],
        summary: 'End a pause',
        params: Type.Object({ id: Type.Integer({ minimum: 1, maximum: LARGEST_ID }) }),
        response: { 204: Type.Null() },
      },
    },
    async ({ params: { id } }, reply) => {
      found(await findControl(db, id), `control ${id}`);
      await acts.liftControl(id, { actor });
      return reply.code(204).send(null);
    },
  );
};
