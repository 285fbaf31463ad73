import { expect } from 'vitest';

import { test } from '../../../../test/database.ts';
import type { Db } from '../../../db/db.ts';
import { sql } from '../../../db/sql.ts';
import type { Clock } from '../../../kernel/clock.ts';
import { systemClock } from '../../../kernel/clock.ts';
import { TOKEN, setupApi } from '../api-fixture.ts';

const ALL = ['control', 'effect', 'event', 'gate', 'job', 'repo', 'transcript'];

async function setup(db: Db, clock: Clock = systemClock) {
  const { listen } = setupApi(db, {}, { clock });
  const url = await listen();
  return { follow: () => followOn(url) };
}

/** A stream that is being read, and a way to read on until what came satisfies `enough`. */
async function followOn(url: string) {
  const answer = await fetch(`${url}/api/v1/events/stream`, {
    headers: { authorization: `Bearer ${TOKEN}` },
  });
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  return {
    type: answer.headers.get('content-type'),
    cancel: () => reader?.cancel(),
    readUntil: async (enough: (text: string) => boolean): Promise<string> => {
      let text = '';
      while (!enough(text)) {
        const part = await reader?.read();
        if (part?.value === undefined) {
          throw new Error(`the stream ended after ${JSON.stringify(text)}`);
        }
        text += part.value;
      }
      return text;
    },
  };
}

function channelsOf(text: string): string[] {
  return [...text.matchAll(/^event: changed\ndata: \{"channel":"([a-z]+)"\}$/gm)]
    .map(([, channel = '']) => channel)
    .sort();
}

const hasAll = (text: string): boolean => ALL.every((one) => channelsOf(text).includes(one));

test('the first stream begins with a look at everything, then names what changed, a burst once', async ({
  db,
}) => {
  const { follow } = await setup(db);
  const stream = await follow();
  const first = await stream.readUntil(hasAll);

  await db.query(sql`select pg_notify('job', n::text) from generate_series(1, 20) n`);
  await db.query(sql`select pg_notify('gate', '1')`);
  const burst = await stream.readUntil((text) => text.includes('"gate"') && text.includes('"job"'));

  expect(stream.type).toBe('text/event-stream; charset=utf-8');
  expect(first.startsWith(': connected\n\n')).toBe(true);
  expect(channelsOf(burst)).toEqual(['gate', 'job']);
});

test('readers share the hints, and one that leaves does not end those of others', async ({
  db,
}) => {
  const { follow } = await setup(db);
  const stays = await follow();
  await stays.readUntil(hasAll);
  const leaves = await follow();
  await leaves.readUntil((text) => text === ': connected\n\n');

  await leaves.cancel();
  await db.query(sql`select pg_notify('repo', '')`);
  const told = await stays.readUntil((text) => text.includes('"repo"'));

  expect(channelsOf(told)).toEqual(['repo']);
});

test('a silent stream is kept open by comments', async ({ db }) => {
  const slept = new Set<number>();
  const { follow } = await setup(db, {
    ...systemClock,
    sleep: (ms, signal) => {
      slept.add(ms);
      return systemClock.sleep(Math.min(ms, 50), signal);
    },
  });
  const stream = await follow();

  const text = await stream.readUntil((said) => said.includes(': still here\n\n'));

  expect(text).toContain(': connected\n\n');
  expect(slept).toContain(15_000);
});
