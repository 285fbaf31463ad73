import { msUntilNextSchedule } from '../db/schedules.ts';
import type { Wake } from '../db/wake.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Service } from '../kernel/service.ts';
import { every } from '../kernel/service.ts';
import type { SchedulerDeps } from './fire-due.ts';
import { fireDueSchedules } from './fire-due.ts';

/** A row that was changed by hand, or a clock that jumped, is noticed this late at most. */
const LONGEST_SLEEP_MS = 30_000;
/** Between two rounds: a row that is due but cannot be settled must not spin. */
const PAUSE_MS = 50;

/**
 * Turns due schedules into jobs. Due-ness is decided by the database's clock alone; between two rows it sleeps,
 * so that an idle tick is one index look-up however many schedules there are. `wake` listens on SCHEDULE_CHANNEL.
 */
export function createScheduler(deps: SchedulerDeps & { clock: Clock; wake: Wake }): Service {
  return every(deps, { intervalMs: PAUSE_MS }, async (signal) => {
    const sequence = deps.wake.sequence();
    if ((await fireDueSchedules(deps, signal)) === 0) {
      const ms = (await msUntilNextSchedule(deps.db)) ?? LONGEST_SLEEP_MS;
      await deps.wake.wait(sequence, Math.min(Math.max(ms, 0), LONGEST_SLEEP_MS), signal);
    }
  });
}
