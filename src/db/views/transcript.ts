import { promisify } from 'node:util';
import { zstdDecompress } from 'node:zlib';

import type { Queryable } from '../db.ts';
import { sql } from '../sql.ts';

const decompress = promisify(zstdDecompress);

/** Behind which line to go on: `{ attempt: 2, line: 41 }` has been read. Lines count from 0 in each attempt. */
export interface TranscriptPosition {
  attempt: number;
  line: number;
}

export interface TranscriptLine extends TranscriptPosition {
  /** One JSON document, without its newline. */
  text: string;
}

interface ChunkRow {
  attempt: number;
  first_line: number;
  body: Buffer;
}

/**
 * What a worker said, from behind `after` on: the lines of the next few chunks, in order; empty when there is
 * no more yet. Bounded by chunks because each is bounded in size, so a long transcript never stands in memory.
 */
export async function readTranscript(
  db: Queryable,
  {
    jobId,
    attempt,
    after,
  }: { jobId: number; attempt?: number | undefined; after: TranscriptPosition },
): Promise<TranscriptLine[]> {
  const only = attempt === undefined ? sql`true` : sql`attempt = ${attempt}`;
  const chunks = await db.query<ChunkRow>(sql`
    select attempt, first_line, body from transcript
    where job_id = ${jobId} and ${only}
      and (attempt, first_line + lines - 1) > (${after.attempt}::smallint, ${after.line}::int)
    order by attempt, chunk limit 8`);

  const lines: TranscriptLine[] = [];
  for (const { attempt: of, first_line: first, body } of chunks) {
    const text = (await decompress(body)).toString('utf8');
    for (const [i, line] of text.replace(/\n$/, '').split('\n').entries()) {
      const position = { attempt: of, line: first + i };
      if (isBehind(position, after)) {
        lines.push({ ...position, text: line });
      }
    }
  }
  return lines;
}

function isBehind(position: TranscriptPosition, after: TranscriptPosition): boolean {
  return (
    position.attempt > after.attempt ||
    (position.attempt === after.attempt && position.line > after.line)
  );
}
