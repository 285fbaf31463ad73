import { expect, type TestAPI } from 'vitest';

import type { Db } from '../db/db.ts';
import { sql } from '../db/sql.ts';
import type { ControlBus, Topic } from './control-bus.ts';

/** What one process has: a bus of its own. */
export type OpenBus = () => Promise<ControlBus>;

/** What was heard on one topic of one bus, until the signal aborts. */
export async function hear(
  bus: ControlBus,
  topic: Topic,
  signal = new AbortController().signal,
): Promise<string[]> {
  const heard: string[] = [];
  await bus.listen(topic, (id) => heard.push(id), signal);
  return heard;
}

/** As a process does it: the row, which notifies within its transaction, and the hint after the commit. */
export async function announce(db: Db, bus: ControlBus, topic: Topic, id?: number): Promise<void> {
  await db.transaction((tx) => tx.query(sql`select pg_notify(${topic}, ${String(id ?? '')})`));
  bus.publish(topic, id);
}

/** What every bus promises; `open` makes one more process on the same installation. */
export function busScenarios<Context extends { db: Db; open: OpenBus }>(
  test: TestAPI<Context>,
): void {
  test('what one process announces every process hears, itself as well', async ({ db, open }) => {
    await using one = await open();
    await using two = await open();
    const heard = [
      await hear(one, 'control'),
      await hear(two, 'control'),
      await hear(two, 'control'),
    ];

    await announce(db, one, 'control', 41);
    await announce(db, two, 'control', 42);

    for (const ids of heard) {
      await expect.poll(() => ids.toSorted()).toEqual(['', '41', '42']);
    }
  });

  test('who begins to listen is told to look first', async ({ open }) => {
    await using bus = await open();

    const heard = await hear(bus, 'transcript');

    await expect.poll(() => heard).toEqual(['']);
  });

  test('a hint without an id says to look at everything', async ({ db, open }) => {
    await using bus = await open();
    const heard = await hear(bus, 'control');
    await expect.poll(() => heard).toEqual(['']);

    await announce(db, bus, 'control');

    await expect.poll(() => heard).toEqual(['', '']);
  });

  test('topics are kept apart', async ({ db, open }) => {
    await using bus = await open();
    const controls = await hear(bus, 'control');
    const transcripts = await hear(bus, 'transcript');

    await announce(db, bus, 'transcript', 7);
    await announce(db, bus, 'control', 8);

    await expect.poll(() => controls).toEqual(['', '8']);
    await expect.poll(() => transcripts).toEqual(['', '7']);
  });

  test('listening ends with its signal, alone, and can begin again', async ({ db, open }) => {
    await using bus = await open();
    const stop = new AbortController();
    const ended = await hear(bus, 'control', stop.signal);
    await expect.poll(() => ended).toEqual(['']);

    stop.abort();
    const going = await hear(bus, 'control');
    await announce(db, bus, 'control', 5);

    await expect.poll(() => going).toEqual(['', '5']);
    expect(ended).toEqual(['']);
  });

  test('whoever is told of very many looks once more after the last', async ({ db, open }) => {
    await using bus = await open();
    const heard = await hear(bus, 'control');
    const ids = Array.from({ length: 1000 }, (_, index) => index + 1);

    await Promise.all(ids.map((id) => announce(db, bus, 'control', id)));

    await expect
      .poll(() => heard.at(-1) === '' || heard.includes('1000'), { timeout: 20_000 })
      .toBe(true);
    expect(new Set(heard.filter((id) => id !== '' && !(Number(id) <= 1000)))).toEqual(new Set());
  });

  test('it counts and says where it is connected', async ({ db, open }) => {
    await using bus = await open();
    const heard = await hear(bus, 'control');
    await announce(db, bus, 'control', 1);
    await expect.poll(() => heard).toContain('1');

    const status = bus.status();

    expect(status).toMatchObject({ up: true, counts: { dropped: 0, refused: 0, lost: 0 } });
    expect(status.counts.received).toBeGreaterThan(0);
    await expect.poll(() => bus.status().counts.published).toBe(1);
    expect(status.detail).not.toBe('');
  });

  test('a closed bus takes hints and tells nobody', async ({ db, open }) => {
    const bus = await open();
    const heard = await hear(bus, 'control');
    await expect.poll(() => heard).toEqual(['']);

    await bus[Symbol.asyncDispose]();
    await announce(db, bus, 'control', 9);
    const late = await hear(bus, 'control');

    expect([heard, late]).toEqual([[''], []]);
  });
}
