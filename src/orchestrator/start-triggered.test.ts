import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { counterDrift } from '../../test/queue.ts';
import type { Db } from '../db/db.ts';
import type { NewEvent } from '../db/events.ts';
import { recordEvents } from '../db/events.ts';
import type { JobRow } from '../db/job-rows.ts';
import { sql } from '../db/sql.ts';
import type { TriggerSpec } from '../domain/spec.ts';
import { silentLog } from '../kernel/log.ts';
import { carryOutEffects } from './effects.ts';
import type { OrchestratorFixture } from './orchestrator-fixture.ts';
import { orchestratorFixture } from './orchestrator-fixture.ts';
import { finishPublishing } from './publishing.ts';
import { triggerSpec } from './spec-fixture.ts';
import type { TriggerDeps } from './start-triggered.ts';
import { handleEvents } from './start-triggered.ts';

const setup = (db: Db, triggers: Record<string, TriggerSpec>) =>
  orchestratorFixture(db, { triggers });

async function happen(
  db: Db,
  fixture: OrchestratorFixture,
  event: Partial<NewEvent>,
): Promise<void> {
  const { repoId } = fixture;
  await recordEvents(db, [{ repoId, type: 'push', key: 'once', payload: {}, ...event }]);
}

async function jobs(db: Db, fixture: OrchestratorFixture): Promise<JobRow[]> {
  const rows = await db.query<{ id: number }>(
    sql`select id from job where trigger ->> 'kind' = 'trigger' order by id`,
  );
  return Promise.all(rows.map(({ id }) => fixture.job(id)));
}

test('the first start begins a standing task', async ({ db }) => {
  using fixture = await setup(db, {
    start: triggerSpec({ agent: 'bug-finder', events: ['first_start'], from: 'developer' }),
  });
  await happen(db, fixture, { type: 'first_start', payload: { actor: 'ada', sha: 'abc' } });

  expect(await handleEvents(fixture.deps)).toBe(1);

  expect(await jobs(db, fixture)).toMatchObject([
    {
      agent: 'bug-finder',
      state: 'queued',
      title: 'Standing bug-finder',
      task: 'What a bug-finder does.',
      trigger: { kind: 'trigger', name: 'start', actor: 'ada' },
      trust: 'owner',
    },
  ]);
  expect(await handleEvents(fixture.deps)).toBe(0);
  expect(await counterDrift(db)).toBe(0);
});

test('our merge request starts a reviewer at its head, in the same chain', async ({ db }) => {
  using fixture = await setup(db, {
    review: triggerSpec({ task: 'Review !{{merge_request.number}} of {{job.agent}}' }),
    people: triggerSpec({ from: 'developer' }),
  });
  const builder = await fixture.work({ files: { 'a.md': 'a\n' } });
  await carryOutEffects(fixture.deps, fixture.signal);
  await finishPublishing(fixture.deps);

  await handleEvents(fixture.deps);

  const { branch, mergeRequestId } = await fixture.job(builder);
  expect(await jobs(db, fixture)).toMatchObject([
    {
      agent: 'reviewer',
      task: 'Review !1 of builder',
      rootId: builder,
      parentId: builder,
      depth: 1,
      branch,
      mergeRequestId,
      base: fixture.git.sh(['rev-parse', branch ?? '']),
      subject: { kind: 'merge_request', id: 1 },
      trigger: { actor: 'autodev', name: 'review' },
    },
  ]);
});

test('what our acts set off ends where hand-offs end', async ({ db }) => {
  using fixture = await setup(db, { again: triggerSpec({ events: ['job_succeeded'] }) });
  const deep = await fixture.enqueue({ depth: 3 });
  const shallow = await fixture.enqueue({ depth: 2 });
  await happen(db, fixture, { type: 'job_succeeded', key: 'a', payload: { job_id: deep } });
  await happen(db, fixture, { type: 'job_succeeded', key: 'b', payload: { job_id: shallow } });

  await handleEvents(fixture.deps);

  expect(await jobs(db, fixture)).toMatchObject([{ parentId: shallow, depth: 3 }]);
});

test('a trigger without `from: autodev` does not hear that a job of ours succeeded', async ({
  db,
}) => {
  using fixture = await setup(db, {
    again: triggerSpec({ events: ['job_succeeded'], from: 'developer' }),
  });
  await happen(db, fixture, {
    type: 'job_succeeded',
    payload: { job_id: await fixture.enqueue() },
  });

  await handleEvents(fixture.deps);

  expect(await jobs(db, fixture)).toEqual([]);
});

test('a label that a trigger waits for starts it, with the fields of the issue filled in', async ({
  db,
}) => {
  using fixture = await setup(db, {
    bug: triggerSpec({
      agent: 'builder',
      events: ['issue_opened'],
      where: { label: 'bug' },
      task: 'Fix #{{issue.number}}: {{issue.title}} ({{issue.labels}})',
    }),
    docs: triggerSpec({ events: ['issue_opened'], where: { label: 'docs' } }),
  });
  const issue = {
    type: 'issue',
    title: 'Off by one',
    description: 'x',
    labels: ['bug', 'p1'],
  } as const;
  await fixture.work({ outputs: [issue] });
  await carryOutEffects(fixture.deps, fixture.signal);

  await handleEvents(fixture.deps);

  expect(await jobs(db, fixture)).toMatchObject([
    { task: 'Fix #1: Off by one (bug, p1)', subject: { kind: 'issue', id: 1 } },
  ]);
});

test('a merge is history: a job about it works on the default branch', async ({ db }) => {
  using fixture = await setup(db, {
    after: triggerSpec({ agent: 'devops', events: ['merge_request_merged'], from: 'developer' }),
  });
  await happen(db, fixture, {
    type: 'merge_request_merged',
    payload: { merge_request: { id: 77, number: 4 }, sha: 'abc', actor: 'me' },
  });

  await handleEvents(fixture.deps);

  expect(await jobs(db, fixture)).toMatchObject([
    { subject: { kind: 'merge_request', id: 4 }, mergeRequestId: null, base: null, branch: null },
  ]);
});

test('an event is stored once, and two orchestrators handle it once', async ({ db }) => {
  using fixture = await setup(db, { push: triggerSpec({ events: ['push'], from: 'developer' }) });
  await happen(db, fixture, { key: 'push:1' });
  await happen(db, fixture, { key: 'push:1' });

  await Promise.all([1, 2, 3].map(() => handleEvents(fixture.deps)));

  expect(await jobs(db, fixture)).toHaveLength(1);
});

test('an event of a repository without a file in force is handled and starts nothing', async ({
  db,
}) => {
  using fixture = await setup(db, { push: triggerSpec({ events: ['push'], from: 'developer' }) });
  await db.query(sql`update repo_sync set revision_id = null`);
  await happen(db, fixture, {});

  expect(await handleEvents(fixture.deps)).toBe(1);
  expect(await jobs(db, fixture)).toEqual([]);
});

test('an event that we fail at is set aside, the others go on, and it is tried again', async ({
  db,
}) => {
  using fixture = await setup(db, {
    broken: triggerSpec({ agent: 'pm', events: ['first_start'], from: 'developer' }),
    push: triggerSpec({ events: ['push'], from: 'developer' }),
  });
  await happen(db, fixture, { type: 'first_start', key: 'first' });
  await happen(db, fixture, { key: 'second' });
  const said: object[] = [];
  const log = { ...silentLog, error: (fields: object) => void said.push(fields) };
  const standingTask: TriggerDeps['standingTask'] = (agent) => {
    if (agent === 'pm') {
      throw new TypeError('no task of undefined');
    }
    return fixture.deps.standingTask(agent);
  };

  const handled = await handleEvents({ ...fixture.deps, log, standingTask });

  expect(handled).toBe(1);
  expect(await jobs(db, fixture)).toHaveLength(1);
  expect(said).toMatchObject([{ sweep: 'event', again: true, err: expect.any(TypeError) }]);
  expect(await db.query(sql`select sweep, tries, error from setback`)).toEqual([
    { sweep: 'event', tries: 1, error: 'TypeError: no task of undefined' },
  ]);
  expect(await db.query(sql`select sweep, total from fault`)).toEqual([
    { sweep: 'event', total: 1 },
  ]);
  expect(await handleEvents(fixture.deps)).toBe(0);

  await db.query(sql`update setback set due_at = now()`);
  expect(await handleEvents(fixture.deps)).toBe(1);
  expect(await jobs(db, fixture)).toHaveLength(2);
  expect(await db.query(sql`select 1 from setback`)).toEqual([]);
});

test('an event that cannot be handled keeps its error and holds up no other', async ({ db }) => {
  using fixture = await setup(db, {
    broken: triggerSpec({ agent: 'pm', events: ['first_start'], from: 'developer' }),
    push: triggerSpec({ events: ['push'], from: 'developer' }),
  });
  await db.query(sql`delete from lane where agent = 1`);
  await happen(db, fixture, { type: 'first_start', key: 'first' });
  await happen(db, fixture, { key: 'second' });

  while ((await handleEvents(fixture.deps)) > 0) {
    // Until all are handled.
  }

  expect(await jobs(db, fixture)).toHaveLength(1);
  const [event] = await db.query<{ outcome: unknown }>(
    sql`select outcome from event where key = 'first'`,
  );
  expect(event?.outcome).toMatchObject({ error: expect.stringContaining('no agent `pm`') });
});
