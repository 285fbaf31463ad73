import { promisify } from 'node:util';
import { zstdCompress } from 'node:zlib';

import type { AttemptFence } from './attempts.ts';
import type { Queryable } from './db.ts';
import { sql } from './sql.ts';

const compress = promisify(zstdCompress);

export interface TranscriptChunk {
  /** Counts from 0 in each attempt. */
  readonly chunk: number;
  /** Of the first of `lines`, counted from 0 in each attempt. */
  readonly firstLine: number;
  /** JSON documents without their newlines, `{at, stream, text}`. */
  readonly lines: readonly string[];
}

/**
 * Stores a piece of a running attempt's transcript and says so to those who follow it. False when the attempt
 * has ended or is somebody else's; then nothing was stored.
 */
export async function appendTranscript(
  db: Queryable,
  { jobId, attempt, runner, epoch }: AttemptFence,
  { chunk, firstLine, lines }: TranscriptChunk,
): Promise<boolean> {
  const body = await compress(Buffer.from(`${lines.join('\n')}\n`));
  const rows = await db.query(sql`
    with stored as (
      insert into transcript (job_id, attempt, chunk, first_line, lines, body)
      select a.job_id, a.attempt, ${chunk}, ${firstLine}, ${lines.length}, ${body}
      from attempt a
      where a.job_id = ${jobId} and a.attempt = ${attempt} and a.runner = ${runner} and a.epoch = ${epoch}
        and a.ended_at is null
      -- Stored before, by a try whose answer was lost: the same lines once more.
      on conflict (job_id, attempt, chunk) do update set lines = excluded.lines, body = excluded.body
      returning job_id
    )
    select pg_notify('transcript', job_id::text) from stored
  `);
  return rows.length > 0;
}
