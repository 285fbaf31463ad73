import { expect } from 'vitest';

import { test } from '../../../../test/database.ts';
import { pause, resume } from '../../../db/controls.ts';
import type { Queryable } from '../../../db/db.ts';
import { recordEvents } from '../../../db/events.ts';
import { getRepo } from '../../../db/repos.ts';
import { sql } from '../../../db/sql.ts';
import { insertGate, insertJob, insertRepo } from '../../../db/views/rows-fixture.ts';
import { setupApi } from '../api-fixture.ts';

const SPEC = { agents: { builder: {} }, triggers: {}, schedules: {} };

test('a paused lane says who paused it and why', async ({ db }) => {
  const { call } = setupApi(db);
  const repoId = await setupRepo(db);
  await db.query(sql`insert into lane_hold (repo_id, agent, kind, reason, actor)
    values (${repoId}, 3, 'paused', 'release day', 'ada')`);

  const { body } = await call('GET', `/api/v1/repos/${repoId}/why`);

  expect(body).toMatchObject({
    job: null,
    agents: [
      {
        agent: 'builder',
        reasons: expect.arrayContaining([
          expect.objectContaining({
            code: 'hold_paused',
            sentence: expect.stringContaining('release day'),
            remedy: expect.stringContaining('autodev resume'),
          }),
        ]),
      },
    ],
  });
});

test('each pause that covers a lane comes with the command that lifts it', async ({ db }) => {
  const { call } = setupApi(db);
  const repoId = await setupRepo(db);
  const { path } = await getRepo(db, repoId);
  const remedy = async () =>
    JSON.parse((await call('GET', `/api/v1/repos/${repoId}/why`)).text).agents[0].reasons.find(
      ({ code }: { code: string }) => code === 'hold_paused',
    ).remedy;
  const order = { actor: 'ada', reason: 'Lunch.' };

  await db.transaction((tx) => pause(tx, { scope: { repoId, agent: 'builder' }, ...order }));
  const agentOnly = await remedy();
  await db.transaction((tx) => pause(tx, { scope: { repoId }, ...order }));
  await db.transaction((tx) => resume(tx, { scope: { repoId, agent: 'builder' }, ...order }));
  const repoOnly = await remedy();
  await db.transaction((tx) => pause(tx, { scope: {}, ...order }));
  const both = await remedy();
  await db.transaction((tx) => resume(tx, { scope: {}, ...order }));

  expect([agentOnly, repoOnly, both]).toEqual([
    `autodev resume ${path} builder`,
    `autodev resume ${path}`,
    `autodev resume and autodev resume ${path}`,
  ]);
});

test('hand-offs and triggers are named, and what has fired once for all is told apart', async ({
  db,
}) => {
  const { call } = setupApi(db);
  const hands = { enabled: true, allow: { hand_off: { max: 3, agents: ['builder'] } } };
  const first = { agent: 'builder', enabled: true, events: ['first_start'] };
  const repoId = await setupRepo(db, {
    agents: {
      builder: hands,
      'bug-finder': hands,
      pm: { ...hands, enabled: false },
    },
    triggers: { first, again: { ...first, events: ['first_start', 'push'] } },
    schedules: {},
  });
  await recordEvents(db, [
    { repoId, type: 'first_start', key: `first_start:${repoId}`, payload: {} },
  ]);
  await db.query(sql`update event set handled_at = now() where repo_id = ${repoId}`);

  const { text } = await call('GET', `/api/v1/repos/${repoId}/why`);

  const { agents } = JSON.parse(text);
  const sentences = agents
    .find(({ agent }: { agent: string }) => agent === 'builder')
    .reasons.map(({ sentence }: { sentence: string }) => sentence);
  expect(sentences).toEqual(
    expect.arrayContaining([
      'It is started by hand-offs of bug-finder.',
      'It has no job and waits for an event of `again` (first_start, push).',
      'Its trigger `first` (first_start) has fired, once per repository.',
    ]),
  );
});

test('a box that is asked for and fails stops every lane', async ({ db }) => {
  const { call } = setupApi(db);
  const repoId = await setupRepo(db);
  await db.query(sql`
    insert into runner (key, lease_until, heartbeat_at, agents, providers, slots, host, pid, sandbox)
    values ('unboxed', now() + interval '1 hour', now(), '{3}', '{command}', 1, 'here', 1,
      '{"mode": "strict", "protected": false, "reason": "bwrap is missing"}')`);

  const { body } = await call('GET', `/api/v1/repos/${repoId}/why`);
  await db.query(sql`delete from runner where key = 'unboxed'`);

  expect(body).toMatchObject({
    agents: [
      {
        reasons: expect.arrayContaining([
          expect.objectContaining({
            code: 'sandbox_unavailable',
            sentence: expect.stringContaining('bwrap is missing'),
          }),
        ]),
      },
    ],
  });
});

test('a broken file, a missing runner, a full lane and waiting jobs are each named', async ({
  db,
}) => {
  const { call } = setupApi(db);
  const repoId = await setupRepo(db);
  await db.query(sql`update repo_sync set diagnostics =
    '[{"severity": "error", "line": 4, "message": "unknown key"}]' where repo_id = ${repoId}`);
  await db.query(sql`update lane set running = max_running where repo_id = ${repoId}`);
  await insertJob(db, repoId, { state: 'waiting', waitReason: 'budget' });

  const { text } = await call('GET', `/api/v1/repos/${repoId}/why`);

  const codes = JSON.parse(text).agents[0].reasons.map(({ code }: { code: string }) => code);
  expect(codes).toEqual(
    expect.arrayContaining(['config_invalid', 'no_runner', 'lane_limit', 'waiting_budget']),
  );
  expect(text).toContain('Line 4: unknown key');
});

test('a repository without an autodev.yaml in force answers with no agents', async ({ db }) => {
  const { call } = setupApi(db);
  const repoId = await insertRepo(db);

  const { body } = await call('GET', `/api/v1/repos/${repoId}/why`);

  expect(body).toMatchObject({ repo: { id: String(repoId) }, agents: [] });
});

test('a queued job says what is before it, one in review what to answer', async ({ db }) => {
  const { call } = setupApi(db);
  const repoId = await setupRepo(db);
  await insertJob(db, repoId);
  const second = await insertJob(db, repoId);
  const review = await insertJob(db, repoId, { state: 'review' });
  await insertGate(db, repoId, { jobId: review });

  const queued = await call('GET', `/api/v1/jobs/j_${second}/why`);
  const inReview = await call('GET', `/api/v1/jobs/j_${review}/why`);

  expect(queued.text).toContain('"queued_behind"');
  expect(inReview.body).toMatchObject({
    job: `j_${review}`,
    agents: [{ reasons: [{ code: 'in_review', remedy: `autodev approve j_${review}` }] }],
  });
});

test('a job that is over says how it ended', async ({ db }) => {
  const { call } = setupApi(db);
  const id = await insertJob(db, await setupRepo(db), { state: 'failed' });

  const { body } = await call('GET', `/api/v1/jobs/j_${id}/why`);

  expect(body).toMatchObject({ agents: [{ reasons: [{ code: 'ended' }] }] });
});

async function setupRepo(db: Queryable, spec: unknown = SPEC): Promise<number> {
  const repoId = await insertRepo(db);
  await db.query(sql`
    with v as (
      insert into revision (repo_id, commit, blobs, digest, state, spec, source, author, subject)
      values (${repoId}, 'c', '{}', 'd', 'applied', ${JSON.stringify(spec)}, '', 'Grace', 'Start')
      returning id
    )
    update repo_sync set revision_id = (select id from v) where repo_id = ${repoId}`);
  await db.query(sql`insert into lane (repo_id, agent, max_running) values (${repoId}, 3, 1)`);
  await db.query(sql`insert into repo_slot (repo_id, max_running) values (${repoId}, 4)`);
  return repoId;
}
