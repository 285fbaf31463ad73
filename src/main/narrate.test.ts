import { expect, onTestFinished } from 'vitest';

import { test } from '../../test/database.ts';
import type { Db } from '../db/db.ts';
import { sql } from '../db/sql.ts';
import {
  insertGate,
  insertJob,
  insertMergeRequest,
  insertRepo,
  insertRevision,
} from '../db/views/rows-fixture.ts';
import type { JobState } from '../domain/job-state.ts';
import { isFinal, jobStateCode } from '../domain/job-state.ts';
import { silentLog } from '../kernel/log.ts';
import { createNarrator } from './narrate.ts';

/** A narrator that looks when it is told to; `look` answers what it said of what happened since the last look. */
async function setup(db: Db) {
  const said: string[] = [];
  let turn = Promise.withResolvers<void>();
  let looked = Promise.withResolvers<void>();
  const stop = new AbortController();
  const narrator = createNarrator({
    db,
    log: silentLog,
    output: { paint: (_, text) => text, warn: (text) => void said.push(text) },
    clock: {
      now: () => new Date(),
      sleep: async () => {
        looked.resolve();
        await turn.promise;
        turn = Promise.withResolvers();
      },
    },
  })(stop.signal);
  onTestFinished(async () => {
    stop.abort();
    turn.resolve();
    await narrator;
  });
  await looked.promise;
  return {
    repoId: await insertRepo(db),
    look: async () => {
      looked = Promise.withResolvers();
      turn.resolve();
      await looked.promise;
      return said.splice(0);
    },
  };
}

test('a job that begins, tries again and fails is told, and nothing twice', async ({ db }) => {
  const { repoId, look } = await setup(db);
  const id = await insertJob(db, repoId, { title: 'evil \u001b[2J\ntitle' });

  const queued = await look();
  await move(db, id, 'running', { attempts: 1 });
  const running = await look();
  const quiet = await look();
  await move(db, id, 'queued');
  await look();
  await move(db, id, 'running', { attempts: 2 });
  const again = await look();
  await move(db, id, 'failed', { detail: 'The tests fail.' });
  const failed = await look();

  expect(queued.filter((line) => line.includes(`j_${id}`))).toEqual([]);
  expect(running).toEqual([
    expect.stringMatching(new RegExp(`^j_${id} ● running: builder on repo-.*: evil �\\[2J title$`)),
  ]);
  expect(quiet).toEqual([]);
  expect(again).toEqual([expect.stringMatching(/\(try 2\)$/)]);
  expect(failed).toEqual([`j_${id} ✖ failed: The tests fail.`]);
});

test('what waits for people is told with the command that shows it', async ({ db }) => {
  const { repoId, look } = await setup(db);
  const id = await insertJob(db, repoId, { state: 'running' });
  await look();

  const request = await insertMergeRequest(db, repoId, id);
  await db.query(sql`update job set merge_request_id = ${request} where id = ${id}`);
  await move(db, id, 'review');
  const gate = await insertGate(db, repoId, { jobId: id });
  const waiting = await look();
  await db.query(sql`update merge_request set state = 'merged' where id = ${request}`);
  await db.query(sql`update gate set state = 'approved' where id = ${gate}`);
  await move(db, id, 'succeeded');
  const merged = await look();

  expect(waiting).toEqual([
    expect.stringMatching(
      new RegExp(`^▲ g_${gate} merge on repo-.*: Merge the fix\\? · autodev approvals g_${gate}$`),
    ),
  ]);
  expect(merged).toEqual([`j_${id} ✔ succeeded: !1 is merged`]);
});

test('a budget that is used up is told with the job that it stops', async ({ db }) => {
  const { repoId, look } = await setup(db);
  const id = await insertJob(db, repoId);
  await look();

  await move(db, id, 'waiting', { waitReason: 'budget', detail: 'daily: 10 of 10 USD are spent' });
  const lines = await look();

  expect(lines).toEqual([`j_${id} ◌ waiting (budget): daily: 10 of 10 USD are spent`]);
});

test('a configuration that applies, and one that is refused, are told', async ({ db }) => {
  const { repoId, look } = await setup(db);
  await db.query(sql`update repo set path = ${`told-${repoId}`} where id = ${repoId}`);
  await look();

  await insertRevision(db, repoId);
  const applied = await look();
  await db.query(sql`update repo_sync set
    diagnostics = '[{"severity": "error", "line": 3, "column": 5, "message": "unknown key"}]',
    conditions = '[{"type": "Stalled", "status": "True", "reason": "ConfigInvalid",
      "message": "autodev.yaml:3:5 unknown key"}]' where repo_id = ${repoId}`);
  const refused = await look();

  expect(applied).toEqual([`told-${repoId} ✔ in force: cccccccc Run nightly`]);
  expect(refused).toEqual([
    `told-${repoId} ✖ invalid file: autodev.yaml:3:5 unknown key; cccccccc stays in force`,
  ]);
});

async function move(
  db: Db,
  id: number,
  state: JobState,
  {
    attempts = 1,
    waitReason,
    detail,
  }: { attempts?: number; waitReason?: string; detail?: string } = {},
): Promise<void> {
  if (isFinal(state)) {
    await db.query(sql`with gone as (delete from job where id = ${id} returning *)
      insert into job_done select gone.*, now() from gone`);
    await db.query(sql`update job_done set state = ${jobStateCode(state)}, detail = ${detail ?? null}
      where id = ${id}`);
    return;
  }
  await db.query(sql`update job set state = ${jobStateCode(state)}, attempts = ${attempts},
    wait_reason = ${waitReason ?? null}, detail = ${detail ?? null} where id = ${id}`);
}
