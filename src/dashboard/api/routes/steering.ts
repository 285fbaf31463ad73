import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';

import { AgentLane, listAgentLanes } from '../../../db/views/agent-list.ts';
import { Budget, listBudgets } from '../../../db/views/budget-list.ts';
import { Runner, listRunners } from '../../../db/views/runner-list.ts';
import { Schedule, listSchedules } from '../../../db/views/schedule-list.ts';
import { AgentName } from '../../../db/views/wire.ts';
import type { ApiDeps } from '../deps.ts';
import { optionalRepoId, repoIdOf } from '../ids.ts';
import { pageNext, pageQuery } from '../paging.ts';

const Query = Type.Object({ ...pageQuery, repo: Type.Optional(Type.String()) });

/** What the configuration made: agents, schedules, budgets; and the runners that work for them. */
export const steeringRoutes: FastifyPluginAsyncTypebox<
  Pick<ApiDeps, 'db' | 'acts' | 'operator' | 'clock'>
> = async (app, { db, acts, operator: actor, clock }) => {
  app.get(
    '/agents',
    {
      schema: {
        tags: ['steering'],
        summary: 'Agents on repositories: their queues, holds and breakers',
        querystring: Query,
        response: { 200: Type.Object({ agents: Type.Array(AgentLane), ...pageNext }) },
      },
    },
    async ({ query: { limit, cursor, repo } }) => {
      const repoId = await optionalRepoId(db, repo);
      const { items, next } = await listAgentLanes(db, { repoId }, { limit, after: cursor });
      return { agents: items, next };
    },
  );

  app.post(
    '/repos/:id/agents/:agent/reset',
    {
      schema: {
        tags: ['steering'],
        summary: "Close the breaker of a repository's agent",
        params: Type.Object({
          id: Type.String({ minLength: 1, maxLength: 400 }),
          agent: AgentName,
        }),
        response: { 200: Type.Object({ agent: AgentName, repo: Type.String() }) },
      },
    },
    async ({ params: { id, agent } }) => {
      const repoId = await repoIdOf(db, id);
      await acts.resetBreaker(repoId, agent, { actor });
      return { agent, repo: String(repoId) };
    },
  );

  app.get(
    '/schedules',
    {
      schema: {
        tags: ['steering'],
        summary: 'Schedules in force',
        querystring: Query,
        response: { 200: Type.Object({ schedules: Type.Array(Schedule), ...pageNext }) },
      },
    },
    async ({ query: { limit, cursor, repo } }) => {
      const repoId = await optionalRepoId(db, repo);
      const { items, next } = await listSchedules(db, { repoId }, { limit, after: cursor });
      return { schedules: items, next };
    },
  );

  app.get(
    '/budgets',
    {
      schema: {
        tags: ['steering'],
        summary:
          'Limits of the files in force, and what of them is used; a page counts repositories',
        querystring: Query,
        response: { 200: Type.Object({ budgets: Type.Array(Budget), ...pageNext }) },
      },
    },
    async ({ query: { limit, cursor, repo } }) => {
      const repoId = await optionalRepoId(db, repo);
      const now = clock.now();
      const { items, next } = await listBudgets(db, { repoId }, { limit, after: cursor, now });
      return { budgets: items, next };
    },
  );

  app.get(
    '/runners',
    {
      schema: {
        tags: ['steering'],
        summary: 'Who claims jobs, and how its workers are protected',
        querystring: Type.Object(pageQuery),
        response: { 200: Type.Object({ runners: Type.Array(Runner), ...pageNext }) },
      },
    },
    async ({ query: { limit, cursor } }) => {
      const { items, next } = await listRunners(db, { limit, after: cursor });
      return { runners: items, next };
    },
  );
};
