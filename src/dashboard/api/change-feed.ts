import type { Db } from '../../db/db.ts';
import type { Clock } from '../../kernel/clock.ts';

/** The channels that writers of rows notify. */
const CHANNELS = ['job', 'gate', 'repo', 'effect', 'event', 'control', 'transcript'] as const;
type Channel = (typeof CHANNELS)[number];

/** Changes come in bursts (a claim, its first lines): one look serves them all. */
const GATHER_MS = 100;
/** Proxies cut a silent connection after 30 to 60 s. */
const COMMENT_MS = 15_000;

interface FeedDeps {
  db: Pick<Db, 'listen'>;
  clock: Clock;
  /** Ends the listening and all streams. */
  stop: AbortSignal;
}

/** Tells many readers that something changed, from one set of listening connections. */
export interface ChangeFeed {
  /** An event stream that ends with `signal`: `changed` with its channel, at most ten times a second. */
  follow(signal: AbortSignal): AsyncGenerator<string>;
}

/**
 * Listens from the first reader on. A notification is a hint that is worth a look and no record: what was sent while
 * nobody listened is lost, so each channel counts as changed whenever its connection was made anew.
 */
export function createChangeFeed({ db, clock, stop }: FeedDeps): ChangeFeed {
  const readers = new Set<(channel: Channel) => void>();
  const listening = new Set<Channel>();

  const listen = (): void => {
    for (const channel of CHANNELS) {
      if (!listening.has(channel)) {
        listening.add(channel);
        const tell = (): void => readers.forEach((reader) => reader(channel));
        // Without a database the next reader tries again.
        db.listen(channel, tell, stop).catch(() => listening.delete(channel));
      }
    }
  };

  return {
    follow: async function* (signal) {
      const ends = AbortSignal.any([signal, stop]);
      const changed = new Set<Channel>();
      let woken = new AbortController();
      const reader = (channel: Channel): void => {
        changed.add(channel);
        woken.abort();
      };
      readers.add(reader);
      listen();
      try {
        // Headers leave with the first bytes: the reader knows at once that it is connected.
        yield ': connected\n\n';
        while (!ends.aborted) {
          await clock.sleep(COMMENT_MS, AbortSignal.any([ends, woken.signal]));
          if (changed.size === 0) {
            yield ': still here\n\n';
            continue;
          }
          await clock.sleep(GATHER_MS, ends);
          const events = [...changed].map(eventOf).join('');
          changed.clear();
          woken = new AbortController();
          yield events;
        }
      } finally {
        readers.delete(reader);
      }
    },
  };
}

function eventOf(channel: Channel): string {
  return `event: changed\ndata: ${JSON.stringify({ channel })}\n\n`;
}
