import { expect, test } from 'vitest';

import { systemClock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import type { ApiClient } from './api-client.ts';
import { followEvents } from './event-stream.ts';

const signal = new AbortController().signal;
const clock = { ...systemClock, sleep: async () => {} };

/** A server whose connections say these things, one after the other; an error breaks one. */
function server(connections: (readonly (string | Error)[])[]) {
  const asked: (string | undefined)[] = [];
  const api: Pick<ApiClient, 'stream'> = {
    stream: async function* (_path, { headers }) {
      asked.push(headers?.['last-event-id']);
      for (const part of connections.shift() ?? []) {
        if (part instanceof Error) {
          throw part;
        }
        yield part;
      }
    },
  };
  return { api, asked };
}

test('events come whole, however they are cut, and comments are passed over', async () => {
  const { api } = server([
    [': hello\n\nid: 1.0\nda', 'ta: {"a":', '1}\n', '\nevent: end\ndata: {}\n\n'],
  ]);
  const seen: string[] = [];

  await followEvents({ clock, signal }, api, { path: '/x', query: {} }, (data) => seen.push(data));

  expect(seen).toEqual(['{"a":1}']);
});

test('a connection that breaks goes on behind the last event', async () => {
  const { api, asked } = server([
    ['id: 1.0\ndata: a\n\n', new TypeError('terminated')],
    [new AppError('UNAVAILABLE', 'restarting')],
    ['id: 1.1\ndata: b\n\nevent: end\ndata: {}\n\n'],
  ]);
  const seen: string[] = [];

  await followEvents({ clock, signal }, api, { path: '/x', query: {} }, (data) => seen.push(data));

  expect(seen).toEqual(['a', 'b']);
  expect(asked).toEqual([undefined, '1.0', '1.0']);
});

test('a first connection that fails, and one that is refused later, are reported', async () => {
  const first = server([[new AppError('UNAVAILABLE', 'down')]]);
  const later = server([['id: 1.0\ndata: a\n\n'], [new AppError('NOT_FOUND', 'gone')]]);
  const follow = ({ api }: typeof first): Promise<void> =>
    followEvents({ clock, signal }, api, { path: '/x', query: {} }, () => {});

  await expect(follow(first)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  await expect(follow(later)).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('a reader that has heard enough ends the stream without an error', async () => {
  const enough = new AbortController();
  const { api } = server([
    ['id: 1.0\ndata: a\n\n', new DOMException('aborted', 'AbortError')],
    ['id: 1.1\ndata: never\n\n'],
  ]);
  const seen: string[] = [];

  await followEvents(
    { clock, signal },
    api,
    { path: '/x', query: {}, until: enough.signal },
    (data) => {
      seen.push(data);
      enough.abort();
    },
  );

  expect(seen).toEqual(['a']);
});
