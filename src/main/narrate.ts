import type { Scene } from '../cli/news.ts';
import { newsBetween } from '../cli/news.ts';
import type { Output } from '../cli/output.ts';
import type { Db } from '../db/db.ts';
import { listGates } from '../db/views/gate-list.ts';
import { findJobRow, jobOf, listJobs } from '../db/views/job-list.ts';
import { listRepos } from '../db/views/repo-list.ts';
import { JOB_STATES, isFinal } from '../domain/job-state.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Log } from '../kernel/log.ts';
import type { Service } from '../kernel/service.ts';
import { every } from '../kernel/service.ts';

/** A person who watches wants to see it happen; three small reads a second are nothing beside what they tell. */
const LOOK_MS = 1000;
/** More than this at once scroll by unread. */
const MOST = 100;
const ACTIVE = JOB_STATES.filter((state) => !isFinal(state));

interface NarrateDeps {
  db: Db;
  clock: Clock;
  log: Log;
  output: Pick<Output, 'warn' | 'paint'>;
}

/**
 * Tells a person at the terminal what happens, a line each: configuration applied or refused, jobs that begin and
 * end, what waits for people. It reads what the database holds, so it also tells what another process did.
 */
export function createNarrator({ db, clock, log, output }: NarrateDeps): Service {
  let before: Scene | undefined;
  return every({ clock, log }, { intervalMs: LOOK_MS }, async () => {
    const after = await look(db, before);
    if (before !== undefined) {
      newsBetween(output, before, after).forEach(output.warn);
    }
    before = after;
  });
}

async function look(db: Db, before: Scene | undefined): Promise<Scene> {
  const [active, newest, gates, repos] = await Promise.all([
    listJobs(db, { states: ACTIVE }, { limit: MOST }),
    listJobs(db, {}, { limit: MOST }),
    listGates(db, { state: 'open' }, { limit: MOST }),
    listRepos(db, { limit: MOST }),
  ]);
  const found = new Map([...newest.items, ...active.items].map((job) => [job.id, job]));
  // What ended since, however long ago it was made.
  const gone = (before?.jobs ?? []).filter(({ id, state }) => !found.has(id) && !isFinal(state));
  const ended = await Promise.all(gone.map(({ id }) => findJobRow(db, Number(id.slice(2)))));
  return {
    jobs: [...found.values(), ...ended.flatMap((row) => (row === undefined ? [] : [jobOf(row)]))],
    gates: gates.items,
    repos: repos.items,
  };
}
