import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';

import { AgentName } from '../../../db/views/wire.ts';
import type { ApiDeps } from '../deps.ts';
import { repoIdOf } from '../ids.ts';
import { RepoParams } from './repos.ts';

const Message = Type.Object({ message: Type.String() });
const Grant = {
  usd: Type.Number({
    exclusiveMinimum: 0,
    maximum: 100_000,
    description: 'How much more each open window holds',
  }),
  reason: Type.String({ minLength: 1, maxLength: 1000, description: 'The audit keeps it' }),
};
const strict = { additionalProperties: false };

/** Raises of what caps many jobs, for as long as the windows last that are open now. */
export const grantRoutes: FastifyPluginAsyncTypebox<
  Pick<ApiDeps, 'db' | 'acts' | 'operator'>
> = async (app, { db, acts, operator: actor }) => {
  app.post(
    '/repos/:id/grants',
    {
      schema: {
        tags: ['steering'],
        summary:
          'Raise the USD budgets of a repository, or of one agent of it, until their windows end',
        params: RepoParams,
        body: Type.Object({ ...Grant, agent: Type.Optional(AgentName) }, strict),
        response: { 201: Message },
      },
    },
    async ({ params, body: { agent, usd, reason } }, reply) => {
      const scope = { repoId: await repoIdOf(db, params.id), agent };
      const grant = { actor, microUsd: microUsdOf(usd), reason };
      return reply.code(201).send(await acts.grantWindows(scope, grant));
    },
  );

  app.post(
    '/grants',
    {
      schema: {
        tags: ['steering'],
        summary: "Raise the fleet's USD budgets until their windows end",
        body: Type.Object(Grant, strict),
        response: { 201: Message },
      },
    },
    async ({ body: { usd, reason } }, reply) =>
      reply
        .code(201)
        .send(await acts.grantWindows({}, { actor, microUsd: microUsdOf(usd), reason })),
  );
};

function microUsdOf(usd: number): number {
  return Math.round(usd * 1_000_000);
}
