import { msUntilNextSchedule } from '../db/schedules.ts';
import type { Wake } from '../db/wake.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Service } from '../kernel/service.ts';
import type { SchedulerDeps } from './fire-due.ts';
import { fireDueSchedules } from './fire-due.ts';

/** A row that was changed by hand, or a clock that jumped, is noticed this late at most. */
const LONGEST_SLEEP_MS = 30_000;

/**
 * Turns due schedules into jobs. Due-ness is decided by the database's clock alone; between two rows it sleeps,
 * so that an idle tick is one index look-up however many schedules there are.
 */
export function createScheduler(deps: SchedulerDeps & { clock: Clock; wake: Wake }): Service {
  return async (signal) => {
    while (!signal.aborted) {
      const sequence = deps.wake.sequence();
      const settled = await fireDueSchedules(deps, signal);
      if (settled === 0) {
        const ms = (await msUntilNextSchedule(deps.db)) ?? LONGEST_SLEEP_MS;
        // At least a little: a row that is due but cannot be settled must not spin.
        const waitMs = Math.min(Math.max(ms, 50), LONGEST_SLEEP_MS);
        await deps.wake.wait(sequence, waitMs, signal);
      }
    }
  };
}
