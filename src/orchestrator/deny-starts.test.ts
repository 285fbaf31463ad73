import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { pause, resume } from '../db/controls.ts';
import type { Db } from '../db/db.ts';
import { sql } from '../db/sql.ts';
import { systemClock } from '../kernel/clock.ts';
import { silentLog } from '../kernel/log.ts';
import { denyStarts } from './deny-starts.ts';
import { orchestratorFixture } from './orchestrator-fixture.ts';

const UNTIL = Date.UTC(2100, 0);

async function setup(db: Db) {
  const fixture = await orchestratorFixture(db);
  const windows: { of?: { reason: string; until: number } | undefined } = {};
  const round = (): Promise<number> =>
    denyStarts({ db, clock: systemClock, log: silentLog, denialOf: () => windows.of });
  const held = async (): Promise<unknown[]> =>
    db.query(sql`select distinct reason, actor, until from lane_hold where kind = 'paused'`);
  return { fixture, windows, round, held };
}

test('a repository is paused while a window holds, with its reason and its end', async ({ db }) => {
  const { fixture, windows, round, held } = await setup(db);
  using _ = fixture;
  windows.of = { reason: 'year-end freeze', until: UNTIL };

  const rounds = [await round(), await round()];
  const during = await held();
  windows.of = { reason: 'year-end freeze', until: UNTIL + 1000 };
  await round();
  const longer = await held();
  windows.of = undefined;
  rounds.push(await round());

  expect(rounds).toEqual([1, 0, 1]);
  expect(during).toEqual([
    { reason: 'The policy: year-end freeze', actor: 'autodev:policy', until: new Date(UNTIL) },
  ]);
  expect(longer).toMatchObject([{ until: new Date(UNTIL + 1000) }]);
  expect(await held()).toEqual([]);
  expect(await fixture.claim(await fixture.enqueue())).toMatchObject({ state: 'running' });
});

test('what people paused stays paused, and what they resume is paused again', async ({ db }) => {
  const { fixture, windows, round, held } = await setup(db);
  using _ = fixture;
  const scope = { repoId: fixture.repoId };
  await db.transaction((tx) => pause(tx, { scope, actor: 'ada', reason: 'Friday.' }));
  windows.of = { reason: 'freeze', until: UNTIL };

  await round();
  windows.of = undefined;
  await round();
  const people = await held();
  windows.of = { reason: 'freeze', until: UNTIL };
  await round();
  await db.transaction((tx) => resume(tx, { scope, actor: 'ada', reason: 'resumed' }));
  const resumed = await held();
  await round();

  expect(people).toMatchObject([{ actor: 'ada', reason: 'Friday.' }]);
  expect(resumed).toEqual([]);
  expect(await held()).toMatchObject([{ actor: 'autodev:policy' }]);
});
