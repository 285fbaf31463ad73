import { expect, vi } from 'vitest';

import { test } from '../../test/database.ts';
import { SCHEDULE_CHANNEL } from '../db/schedules.ts';
import { sql } from '../db/sql.ts';
import { createWake } from '../db/wake.ts';
import { systemClock } from '../kernel/clock.ts';
import { setupScheduler } from './scheduler-fixture.ts';
import { createScheduler } from './scheduler.ts';

test('the service sleeps until something is due, and looks when a schedule changed', async ({
  db,
}) => {
  const { deps, dueSince, occurrences } = await setupScheduler(db);
  using wake = await createWake({ db, clock: systemClock, channel: SCHEDULE_CHANNEL });
  const stop = new AbortController();
  const running = createScheduler({ ...deps, clock: systemClock, wake })(stop.signal);

  await dueSince(0);
  await db.query(sql`select pg_notify(${SCHEDULE_CHANNEL}, '')`);

  await vi.waitFor(async () => expect(await occurrences()).toHaveLength(1), { timeout: 10_000 });
  stop.abort();
  await running;
});
