import type { Db } from '../../db/db.ts';
import type { Clock } from '../../kernel/clock.ts';

/** Tells who follows a job's transcript that more was said. */
export interface TranscriptWake {
  /** Begin BEFORE reading: what is said between that and `wait` ends the wait at once. Dispose of it afterwards. */
  watch(jobId: number): TranscriptWatch;
}

interface TranscriptWatch extends Disposable {
  /** Resolves when something was said, after `maxMs`, or when `signal` aborts. Never rejects. */
  wait(maxMs: number, signal: AbortSignal): Promise<void>;
}

interface WakeDeps {
  db: Pick<Db, 'listen'>;
  clock: Clock;
  /** Ends the listening. */
  stop: AbortSignal;
}

/** One connection listens for all streams of a process, from the first one on; each is woken for its own job only. */
export function createTranscriptWake({ db, clock, stop }: WakeDeps): TranscriptWake {
  const watched = new Map<string, Set<AbortController>>();
  let listening: Promise<void> | undefined;

  const wakeAll = (watchers: ReadonlySet<AbortController> | undefined): void =>
    watchers?.forEach((watcher) => watcher.abort());
  const onMessage = (payload: string): void => {
    // After every connection: what was said before it was not heard.
    if (payload === '') {
      watched.forEach(wakeAll);
    } else {
      wakeAll(watched.get(payload));
    }
  };

  return {
    watch: (jobId) => {
      // Whoever came before it listens is woken when it does. Without a database the slow poll is left.
      listening ??= db.listen('transcript', onMessage, stop).catch(() => {
        listening = undefined;
      });
      const key = String(jobId);
      const said = new AbortController();
      const watchers = watched.get(key) ?? new Set();
      watched.set(key, watchers.add(said));
      return {
        wait: (maxMs, signal) => clock.sleep(maxMs, AbortSignal.any([signal, said.signal, stop])),
        [Symbol.dispose]: () => {
          watchers.delete(said);
          if (watchers.size === 0 && watched.get(key) === watchers) {
            watched.delete(key);
          }
        },
      };
    },
  };
}
