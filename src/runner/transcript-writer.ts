import type { ControlBus } from '../control/control-bus.ts';
import type { AttemptFence } from '../db/attempts.ts';
import type { Queryable } from '../db/db.ts';
import { appendTranscript } from '../db/transcripts.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import { createMask } from './mask-secrets.ts';

const FLUSH_MS = 250;
const MOST_LINES = 500;
const MOST_CHUNK_CHARACTERS = 256 * 1024;
const MOST_LINE_CHARACTERS = 16 * 1024;
/** What is kept of one attempt; a worker that prints more is cut here long before its output limit ends it. */
const MOST_CHARACTERS = 8 * 1024 * 1024;
/** What the JSON around a line costs. */
const LINE_OVERHEAD = 64;
const RETRY_MS = 1000;

interface TranscriptDeps {
  db: Queryable;
  clock: Clock;
  bus: Pick<ControlBus, 'publish'>;
}

/** `autodev`: what we say ourselves. */
type TranscriptStream = 'stdout' | 'stderr' | 'autodev';

export interface Transcript {
  write(stream: TranscriptStream, text: string): void;
  /** Resolves when everything is stored, or the attempt is no longer ours. */
  close(): Promise<void>;
}

/**
 * Keeps what a worker prints, in chunks, while it runs. Lines wait in memory for the database, but never more than
 * one attempt may keep; a line that comes after that is dropped, and that is said once.
 *
 * @param signal ends all tries: nothing may be written for the attempt any more
 */
export function createTranscript(
  deps: TranscriptDeps,
  fence: AttemptFence,
  signal: AbortSignal,
): Transcript {
  const { clock } = deps;
  const masks = { stdout: createMask(), stderr: createMask(), autodev: createMask() };
  const closed = new AbortController();
  let pending: string[] = [];
  let pendingCharacters = 0;
  let keptCharacters = 0;
  let stored = { chunk: 0, firstLine: 0 };
  let full = new AbortController();

  const push = (stream: TranscriptStream, text: string): void => {
    const cut = text.length > MOST_LINE_CHARACTERS;
    const shown = cut ? `${text.slice(0, MOST_LINE_CHARACTERS)} … [line cut]` : text;
    const at = clock.now().toISOString();
    const line = JSON.stringify({ at, stream, text: masks[stream](shown.toWellFormed()) });
    pending.push(line);
    pendingCharacters += line.length;
    if (pending.length >= MOST_LINES || pendingCharacters >= MOST_CHUNK_CHARACTERS) {
      full.abort();
    }
  };

  const flush = async (): Promise<void> => {
    while (pending.length > 0 && !signal.aborted) {
      const lines = pending.slice(0, MOST_LINES);
      const ours = await storeWithRetries(deps, fence, { ...stored, lines }, signal);
      if (!ours) {
        pending = [];
        return;
      }
      stored = { chunk: stored.chunk + 1, firstLine: stored.firstLine + lines.length };
      pending = pending.slice(lines.length);
      pendingCharacters = pending.reduce((sum, line) => sum + line.length, 0);
    }
  };

  const writing = (async () => {
    while (!closed.signal.aborted && !signal.aborted) {
      await clock.sleep(FLUSH_MS, AbortSignal.any([closed.signal, signal, full.signal]));
      full = new AbortController();
      await flush();
    }
    await flush();
  })();

  return {
    write(stream, text) {
      if (keptCharacters > MOST_CHARACTERS) {
        return;
      }
      keptCharacters += Math.min(text.length, MOST_LINE_CHARACTERS) + LINE_OVERHEAD;
      push(stream, text);
      if (keptCharacters > MOST_CHARACTERS) {
        push('autodev', 'The transcript ends here: more is not kept of one attempt.');
      }
    },
    close() {
      closed.abort();
      return writing;
    },
  };
}

async function storeWithRetries(
  { db, clock, bus }: TranscriptDeps,
  fence: AttemptFence,
  chunk: Parameters<typeof appendTranscript>[2],
  signal: AbortSignal,
): Promise<boolean> {
  while (!signal.aborted) {
    try {
      const ours = await appendTranscript(db, fence, chunk);
      if (ours) {
        bus.publish('transcript', fence.jobId);
      }
      return ours;
    } catch (error) {
      if (!(error instanceof AppError) || !error.retryable) {
        throw error;
      }
      await clock.sleep(RETRY_MS, signal);
    }
  }
  return false;
}
