import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';

import { GATE_STATES, Gate, findGate, listGates } from '../../../db/views/gate-list.ts';
import { GateId, JobId } from '../../../db/views/wire.ts';
import { AppError } from '../../../kernel/errors.ts';
import { hasSession } from '../access.ts';
import type { ApiDeps } from '../deps.ts';
import { found, numberOf, optionalRepoId } from '../ids.ts';
import { pageNext, pageQuery } from '../paging.ts';

const GateParams = Type.Object({ id: GateId });

/** Questions that people must answer, and their votes. */
export const gateRoutes: FastifyPluginAsyncTypebox<
  Pick<ApiDeps, 'db' | 'acts' | 'operator'>
> = async (app, { db, acts, operator }) => {
  app.get(
    '/gates',
    {
      schema: {
        tags: ['gates'],
        summary: 'Gates, who waits longest first',
        querystring: Type.Object({
          ...pageQuery,
          repo: Type.Optional(Type.String()),
          job: Type.Optional(JobId),
          state: Type.Optional(Type.Enum([...GATE_STATES])),
        }),
        response: { 200: Type.Object({ gates: Type.Array(Gate), ...pageNext }) },
      },
    },
    async ({ query: { limit, cursor, repo, job, state } }) => {
      const filter = {
        repoId: await optionalRepoId(db, repo),
        jobId: job === undefined ? undefined : numberOf(job),
        state,
      };
      const { items, next } = await listGates(db, filter, { limit, after: cursor });
      return { gates: items, next };
    },
  );

  app.get(
    '/gates/:id',
    {
      schema: { tags: ['gates'], summary: 'One gate', params: GateParams, response: { 200: Gate } },
    },
    async ({ params }) => found(await findGate(db, numberOf(params.id)), `gate ${params.id}`),
  );

  app.post(
    '/gates/:id/votes',
    {
      schema: {
        tags: ['gates'],
        summary: 'Vote on a gate, or answer its question',
        params: GateParams,
        body: Type.Object(
          {
            verdict: Type.Enum(['approve', 'reject', 'changes', 'answer']),
            note: Type.Optional(
              Type.String({ maxLength: 65_536, description: 'All but `approve` need one' }),
            ),
            head: Type.Optional(
              Type.String({
                pattern: '^[0-9a-f]{40,64}$',
                examples: ['1f0c3a9d5b7e2468ace013579bdf02468ace1357'],
                description: 'The commit that was looked at: refused if the gate has moved on',
              }),
            ),
          },
          { additionalProperties: false },
        ),
        response: { 201: Type.Object({ gate: Gate, message: Type.String() }) },
      },
    },
    async (request, reply) => {
      const { params, body } = request;
      if (body.verdict !== 'approve' && (body.note ?? '').trim() === '') {
        throw new AppError('INVALID_REQUEST', `note is missing: ${body.verdict} needs one`);
      }
      const id = numberOf(params.id);
      found(await findGate(db, id), `gate ${params.id}`);

      const { message } = await acts.castVote(id, {
        ...body,
        voter: operator,
        via: viaOf(request.headers['user-agent'], hasSession(request)),
      });

      const gate = found(await findGate(db, id), `gate ${params.id}`);
      return reply.code(201).send({ gate, message });
    },
  );
};

function viaOf(userAgent: string | undefined, browser: boolean): 'cli' | 'api' | 'dashboard' {
  if (browser) {
    return 'dashboard';
  }
  return userAgent?.startsWith('autodev-cli') === true ? 'cli' : 'api';
}
