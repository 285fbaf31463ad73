import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';

import type { ApiDeps } from '../deps.ts';

/** Signs a browser in with the path that a start printed, or that `autodev login` asked for. */
export const loginRoutes: FastifyPluginAsyncTypebox<Pick<ApiDeps, 'access'>> = async (
  app,
  { access },
) => {
  app.get(
    '/login/:nonce',
    { schema: { params: Type.Object({ nonce: Type.String({ maxLength: 100 }) }) } },
    async ({ params: { nonce } }, reply) =>
      reply
        .header('set-cookie', await access.login(nonce))
        // The link stands in the history; what it leads to must not learn it.
        .header('referrer-policy', 'no-referrer')
        .redirect('/', 303),
  );

  app.post(
    '/api/v1/logins',
    {
      schema: {
        tags: ['steering'],
        summary: 'A path that signs one browser in, once',
        response: { 201: Type.Object({ path: Type.String() }) },
      },
      onRequest: (request) => access.check(request),
    },
    async (_request, reply) => reply.code(201).send({ path: access.loginPath() }),
  );
};
