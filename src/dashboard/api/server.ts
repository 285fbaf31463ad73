import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import Fastify from 'fastify';

import { api } from './api.ts';
import type { ApiDeps } from './deps.ts';

const MOST_BODY_BYTES = 1024 * 1024;

/**
 * The HTTP server with the API on it, not listening yet: `main/` adds the dashboard's pages and listens. What stands
 * `before` the API knows nothing of its rules for Host, origin and errors: it is for machines that have their own.
 */
export function createServer(
  deps: ApiDeps,
  { before }: { before?: FastifyPluginAsync | undefined } = {},
): FastifyInstance {
  const app = Fastify({
    bodyLimit: MOST_BODY_BYTES,
    // Streams that are open are ended by `deps.stop`; idle connections need not be waited for.
    forceCloseConnections: 'idle',
    requestTimeout: 30_000,
    ajv: {
      // A mistyped key is an error that says so, not a key that is dropped.
      // Verbose: what is refused comes with its schema, for messages that say what is known.
      customOptions: { removeAdditional: false, verbose: true },
    },
  });
  if (before) {
    app.register(before);
  }
  app.register(api, deps);
  return app;
}
