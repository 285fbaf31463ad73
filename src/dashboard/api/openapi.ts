import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyPluginAsync } from 'fastify';
import fp from 'fastify-plugin';

import { Problem } from './problem.ts';

/** The description of every route, made from its schemas: a page at /api/docs, a document at /api/docs/json. */
const documents: FastifyPluginAsync = async (app) => {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Auto-Dev',
        version: '1',
        description:
          'Lists are read by key: pass `next` as `cursor`. Errors are `application/problem+json`. Acting calls need `Authorization: Bearer <token>`, with the token in the file `token` of the data directory.',
      },
      components: {
        securitySchemes: {
          token: { type: 'http', scheme: 'bearer' },
          session: { type: 'apiKey', in: 'cookie', name: 'autodev_session' },
        },
      },
      security: [{ token: [] }, { session: [] }],
      tags: [
        { name: 'repos', description: 'Registered repositories' },
        { name: 'jobs', description: 'Work, past and present' },
        { name: 'gates', description: 'What people must answer' },
        { name: 'steering', description: 'Agents, schedules, budgets, controls' },
        { name: 'record', description: 'Audit and numbers' },
      ],
    },
    transform: ({ schema, url }) => ({
      url,
      schema: isDescribed(schema)
        ? { ...schema, response: { ...schema.response, '4xx': Problem, '5xx': Problem } }
        : { ...schema, hide: true },
    }),
  });
  await app.register(swaggerUi, {
    routePrefix: '/api/docs',
    uiConfig: { docExpansion: 'list', deepLinking: true },
  });
  // The front page until there is a dashboard: a login ends here.
  app.get('/', async (_request, reply) => reply.redirect('/api/docs/'));
};

/** What has no summary is no part of the API: the documentation's own files, the dashboard's pages. */
function isDescribed(
  schema: { summary?: string; response?: unknown } | undefined,
): schema is { summary: string; response?: object } {
  return schema?.summary !== undefined;
}

export const openApi = fp(documents, { name: 'autodev-openapi', fastify: '5.x' });
