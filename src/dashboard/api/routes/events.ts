import { Readable } from 'node:stream';

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';

import { createChangeFeed } from '../change-feed.ts';
import type { ApiDeps } from '../deps.ts';

/** What a page that is kept open follows, instead of asking again and again. */
export const eventRoutes: FastifyPluginAsyncTypebox<
  Pick<ApiDeps, 'db' | 'hearing' | 'clock' | 'stop'>
> = async (app, deps) => {
  const feed = createChangeFeed({ ...deps, db: deps.hearing ?? deps.db });
  app.get(
    '/events/stream',
    {
      schema: {
        tags: ['record'],
        summary: 'Hints that something changed, as an event stream',
        description:
          'Events `changed` with `{"channel": …}`: job (one can be claimed), gate, repo, effect, event (of a forge), control or transcript. A hint to read again what is shown and no record: it has no id, and not each change of a job has one. So read once connected, at each hint, and every 15 s besides. A comment comes every 15 s.',
        produces: ['text/event-stream'],
      },
    },
    async (_request, reply) => {
      const gone = new AbortController();
      reply.raw.once('close', () => gone.abort());
      return (
        reply
          .type('text/event-stream; charset=utf-8')
          .header('cache-control', 'no-cache, no-transform')
          .header('x-accel-buffering', 'no')
          // A server that stops would wait for a connection that is kept alive after its stream has ended.
          .header('connection', 'close')
          .send(Readable.from(feed.follow(gone.signal)))
      );
    },
  );
};
