import { expect, test } from 'vitest';

import type { Fault } from './faults.ts';
import { refusal, shop } from './shop-fixture.ts';

const PATH = /GET .*\/user$/;

test('each fault is what a client sees, once, and then all is well', async () => {
  await using setup = await shop();
  const { gitlab, ask } = setup;
  const meet = async (fault: Fault) => {
    gitlab.faults.add({ on: PATH, fault });
    return ask('/user').then(
      ({ status, body, headers }) => ({
        status,
        after: headers.get('retry-after'),
        body,
        type: headers.get('content-type'),
      }),
      (error: unknown) => String(error),
    );
  };

  expect(await meet({ kind: 'status', status: 429, retryAfter: '30' })).toMatchObject({
    status: 429,
    after: '30',
  });
  expect(await meet({ kind: 'html', status: 502 })).toMatchObject({
    status: 502,
    type: 'text/html; charset=utf-8',
  });
  expect(await meet({ kind: 'bad_json' })).toMatch(/SyntaxError/);
  expect(await meet({ kind: 'half' })).toMatch(/terminated|fetch failed/);
  expect(await meet({ kind: 'reset' })).toMatch(/fetch failed/);
  expect(await meet({ kind: 'redirect', location: 'https://example.org/' })).toMatchObject({
    status: 302,
  });
  expect(await ask('/user')).toMatchObject({ status: 200 });
});

test('a request that hangs is never answered, and a slow one when the clock says so', async () => {
  await using setup = await shop();
  const { gitlab, token, ask } = setup;
  gitlab.faults.add({ on: PATH, fault: { kind: 'hang' } });
  const hung = await refusal(
    fetch(`${gitlab.url}/api/v4/user`, {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(200),
    }),
  );

  gitlab.faults.add({ on: PATH, fault: { kind: 'slow', ms: 30_000 } });
  const slow = ask('/user');
  await expect
    .poll(async () => {
      await gitlab.manualClock.advance(30_000);
      return gitlab.requests().at(-1)?.status;
    })
    .toBe(200);

  expect(hung).toMatch(/Timeout/);
  expect(await slow).toMatchObject({ status: 200 });
});

test('a write whose answer was lost has been carried out', async () => {
  await using setup = await shop();
  const { gitlab, project, ask } = setup;
  const mergeRequest = await setup.opened();
  const path = `/projects/${project.id}/merge_requests/${mergeRequest.iid}/notes`;
  gitlab.faults.add({ on: /POST .*\/notes$/, fault: { kind: 'reset', after: true } });

  const lost = await refusal(ask(path, { method: 'POST', body: JSON.stringify({ body: 'once' }) }));
  const notes = await ask(path);

  expect(lost).toMatch(/fetch failed/);
  expect(notes.body).toMatchObject([{ body: 'once' }]);
});

test('a rule waits, counts and matches by method and path', async () => {
  await using setup = await shop();
  const { gitlab, ask } = setup;
  gitlab.faults.add({
    on: 'GET /api/v4/user',
    fault: { kind: 'status', status: 503 },
    times: 2,
    after: 1,
  });

  const seen: number[] = [];
  for (let time = 0; time < 4; time += 1) {
    seen.push((await ask('/user')).status);
  }
  const other = await ask('/version');

  expect(seen).toEqual([200, 503, 503, 200]);
  expect(other.status).toBe(200);
});

test('random faults are the same for the same seed', async () => {
  await using setup = await shop();
  const { gitlab, ask } = setup;
  const round = async (seed: number) => {
    gitlab.faults.random({ seed, rate: 0.5, on: PATH });
    const seen: string[] = [];
    for (let time = 0; time < 30; time += 1) {
      seen.push(
        await ask('/user').then(
          ({ status }) => String(status),
          (error: unknown) => (error instanceof Error ? error.name : 'unknown'),
        ),
      );
    }
    gitlab.faults.clear();
    return seen;
  };

  const [first, again, other] = [await round(7), await round(7), await round(8)];

  expect(again).toEqual(first);
  expect(other).not.toEqual(first);
  expect(new Set(first).size).toBeGreaterThan(2);
});
