import type { FastifyPluginAsync } from 'fastify';
import fp from 'fastify-plugin';

import { closeQuery } from './closed-query.ts';
import type { ApiDeps } from './deps.ts';
import { metrics } from './metrics.ts';
import { openApi } from './openapi.ts';
import { notFoundHandler, problemHandler } from './problem.ts';
import { controlRoutes } from './routes/controls.ts';
import { eventRoutes } from './routes/events.ts';
import { gateRoutes } from './routes/gates.ts';
import { grantRoutes } from './routes/grants.ts';
import { healthRoutes } from './routes/health.ts';
import { jobActRoutes } from './routes/job-acts.ts';
import { jobRoutes } from './routes/jobs.ts';
import { loginRoutes } from './routes/login.ts';
import { recordRoutes } from './routes/record.ts';
import { repoRoutes } from './routes/repos.ts';
import { steeringRoutes } from './routes/steering.ts';
import { traceRoutes } from './routes/trace.ts';
import { transcriptRoutes } from './routes/transcript.ts';
import { whyRoutes } from './routes/why.ts';

const PREFIX = '/api/v1';

/** Everything under /api/v1 behind the token, and beside it what needs none. */
const routes: FastifyPluginAsync<ApiDeps> = async (app, deps) => {
  app.setErrorHandler(problemHandler(deps));
  app.setNotFoundHandler(notFoundHandler);
  app.addHook('onRequest', async (request) => deps.access.checkOrigin(request));

  // First: it listens to the registration of every route that it describes.
  await app.register(openApi);
  await app.register(metrics, deps);
  await app.register(healthRoutes, deps);
  await app.register(loginRoutes, deps);
  await app.register(
    async (v1) => {
      v1.addHook('onRoute', closeQuery);
      v1.addHook('onRequest', (request) => deps.access.check(request));
      // An act without options may come without a body.
      v1.addHook('preValidation', async (request) => {
        request.body ??= {};
      });
      await v1.register(repoRoutes, deps);
      await v1.register(jobRoutes, deps);
      await v1.register(jobActRoutes, deps);
      await v1.register(transcriptRoutes, deps);
      await v1.register(gateRoutes, deps);
      await v1.register(steeringRoutes, deps);
      await v1.register(grantRoutes, deps);
      await v1.register(controlRoutes, deps);
      await v1.register(recordRoutes, deps);
      await v1.register(eventRoutes, deps);
      await v1.register(traceRoutes, deps);
      await v1.register(whyRoutes, deps);
    },
    { prefix: PREFIX },
  );
};

/** Not encapsulated: its error handler and its Host check are for the pages that are served beside it, too. */
export const api = fp(routes, { name: 'autodev-api', fastify: '5.x' });
