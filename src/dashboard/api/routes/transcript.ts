import { Readable } from 'node:stream';

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';

import { findJobRow } from '../../../db/views/job-list.ts';
import type { TranscriptPosition } from '../../../db/views/transcript.ts';
import { readTranscript } from '../../../db/views/transcript.ts';
import { JobId } from '../../../db/views/wire.ts';
import { isFinal, jobStateOf } from '../../../domain/job-state.ts';
import type { ApiDeps } from '../deps.ts';
import { found, numberOf } from '../ids.ts';
import type { TranscriptWake } from '../transcript-wake.ts';
import { createTranscriptWake } from '../transcript-wake.ts';

/** A net below the notifications, and how soon the end of a job that says nothing any more is seen. */
const POLL_MS = 1_000;
/** Proxies cut a silent connection after 30 to 60 s. */
const COMMENT_MS = 15_000;
const START: TranscriptPosition = { attempt: 0, line: -1 };

type RouteDeps = Pick<ApiDeps, 'db' | 'hearing' | 'clock' | 'stop'>;
type TranscriptDeps = RouteDeps & { wake: TranscriptWake };

interface Wanted {
  jobId: number;
  attempt?: number | undefined;
  after: TranscriptPosition;
}

/**
 * What a worker said. As JSON lines: all there is now. As an event stream: that, and what comes until the job
 * is final, then an event `end`. An event's id is `<attempt>.<line>`: who comes back with it goes on behind it.
 */
export const transcriptRoutes: FastifyPluginAsyncTypebox<RouteDeps> = async (app, given) => {
  const deps = {
    ...given,
    wake: createTranscriptWake({ ...given, db: given.hearing ?? given.db }),
  };
  app.get(
    '/jobs/:id/transcript',
    {
      schema: {
        tags: ['jobs'],
        summary: 'What the worker said: JSON lines, or a stream with Accept: text/event-stream',
        params: Type.Object({ id: JobId }),
        querystring: Type.Object({
          attempt: Type.Optional(Type.Integer({ minimum: 1, maximum: 9999 })),
        }),
        headers: Type.Object({ 'last-event-id': Type.Optional(Type.String()) }),
        produces: ['application/x-ndjson', 'text/event-stream'],
      },
    },
    async (request, reply) => {
      const jobId = numberOf(request.params.id);
      found(await findJobRow(deps.db, jobId), `job ${request.params.id}`);
      const wanted = {
        jobId,
        attempt: request.query.attempt,
        after: positionOf(request.headers['last-event-id']),
      };

      if (request.headers.accept?.includes('text/event-stream') !== true) {
        return reply
          .type('application/x-ndjson; charset=utf-8')
          .send(Readable.from(jsonLines(deps, wanted)));
      }
      const gone = new AbortController();
      reply.raw.once('close', () => gone.abort());
      return (
        reply
          .type('text/event-stream; charset=utf-8')
          .header('cache-control', 'no-cache, no-transform')
          .header('x-accel-buffering', 'no')
          // A server that stops would wait for a connection that is kept alive after its stream has ended.
          .header('connection', 'close')
          .send(Readable.from(events(deps, wanted, AbortSignal.any([gone.signal, deps.stop]))))
      );
    },
  );
};

async function* jsonLines({ db }: RouteDeps, wanted: Wanted): AsyncGenerator<string> {
  let { after } = wanted;
  for (;;) {
    const lines = await readTranscript(db, { ...wanted, after });
    const last = lines.at(-1);
    if (last === undefined) {
      return;
    }
    yield lines.map(({ text }) => `${text}\n`).join('');
    after = last;
  }
}

async function* events(
  { db, clock, wake }: TranscriptDeps,
  wanted: Wanted,
  signal: AbortSignal,
): AsyncGenerator<string> {
  let { after } = wanted;
  let spokeAt = clock.now().getTime();
  // Headers leave with the first bytes: the reader knows at once that it is connected.
  yield ': connected\n\n';
  while (!signal.aborted) {
    using watch = wake.watch(wanted.jobId);
    // Before the lines: what is written between the two reads belongs to a job that is not final yet.
    const row = await findJobRow(db, wanted.jobId);
    const lines = await readTranscript(db, { ...wanted, after });
    const last = lines.at(-1);
    const nowMs = clock.now().getTime();

    if (last !== undefined) {
      yield lines
        .map(({ attempt, line, text }) => `id: ${attempt}.${line}\ndata: ${text}\n\n`)
        .join('');
      after = last;
      spokeAt = nowMs;
      continue;
    }
    const state = row === undefined ? 'removed' : jobStateOf(row.state);
    if (state === 'removed' || isFinal(state)) {
      yield `event: end\ndata: ${JSON.stringify({ state })}\n\n`;
      return;
    }
    if (nowMs - spokeAt >= COMMENT_MS) {
      yield ': still here\n\n';
      spokeAt = nowMs;
    }
    await watch.wait(POLL_MS, signal);
  }
}

/** Anything that is not ours means: from the beginning. */
function positionOf(id: string | undefined): TranscriptPosition {
  const [, attempt, line] = /^(\d{1,4})\.(\d{1,9})$/.exec(id ?? '') ?? [];
  return attempt === undefined || line === undefined
    ? START
    : { attempt: Number(attempt), line: Number(line) };
}
