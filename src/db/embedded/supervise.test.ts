import { expect, test } from 'vitest';

import { openPool } from '../../../test/database.ts';
import { dataFolder, embeddedDeps } from '../../../test/embedded.ts';
import { systemClock } from '../../kernel/clock.ts';
import { sql } from '../sql.ts';
import { superviseEmbedded } from './supervise.ts';

test('a killed postmaster comes back: rows, pools and listeners too', async () => {
  await using folder = await dataFolder();
  const waits: number[] = [];
  const clock = {
    ...systemClock,
    sleep: (ms: number, signal: AbortSignal) => {
      waits.push(ms);
      return systemClock.sleep(Math.min(ms, 50), signal);
    },
  };
  await using postgres = await superviseEmbedded({ ...embeddedDeps, clock }, folder);
  await using db = await openPool(postgres.connection);
  const stop = new AbortController();
  const supervised = postgres.supervise(stop.signal);
  const heard: string[] = [];
  await db.query(sql`create table kept as select 1 as n`);
  await db.listen('bell', (payload) => heard.push(payload), stop.signal);

  process.kill(postgres.pid(), 'SIGKILL');
  await expect.poll(() => postgres.state()).toBe('down');

  await expect.poll(() => postgres.state(), { timeout: 30_000 }).toBe('running');
  expect(waits).toContain(1_000);
  expect(await db.query(sql`select n from kept`)).toEqual([{ n: 1 }]);
  await expect.poll(() => heard, { timeout: 30_000 }).toEqual(['', '']);
  await db.query(sql`select pg_notify('bell', 'ding')`);
  await expect.poll(() => heard, { timeout: 30_000 }).toEqual(['', '', 'ding']);
  stop.abort();
  await supervised;
});
