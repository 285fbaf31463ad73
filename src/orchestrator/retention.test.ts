import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { retention } from '../config/retention.ts';
import type { Db } from '../db/db.ts';
import { ensurePartitions } from '../db/partitions.ts';
import { sql } from '../db/sql.ts';
import { silentLog } from '../kernel/log.ts';
import { forgetOld } from './retention.ts';

const keep = () => retention({ version: 1 });

async function jobDone(db: Db, id: number, daysAgo: number): Promise<void> {
  await db.query(sql`
    insert into job_done (id, repo_id, agent, state, title, task, trigger, trust, ended_at)
    values (${id}, 1, 1, 10, 't', 't', '{}', 'owner', now() - ${daysAgo}::int * interval '1 day')
  `);
  await db.query(sql`
    insert into job_event (job_id, at, to_state, attempt)
    values (${id}, now() - ${daysAgo}::int * interval '1 day', 10, 1)
  `);
  await db.query(sql`
    insert into transcript (job_id, attempt, chunk, first_line, lines, body, at)
    values (${id}, 1, 1, 1, 1, 'x', now() - ${daysAgo}::int * interval '1 day')
  `);
  await db.query(sql`
    insert into artifact (job_id, attempt, repo_id, base, head, stat, diff, bundle)
    values (${id}, 1, 1, 'a', 'b', '{}', '', 'x')
  `);
}

const partitions = async (db: Db): Promise<string[]> => {
  const rows = await db.query<{ name: string }>(sql`
    select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent in (to_regclass('job_done'), to_regclass('job_event'), to_regclass('transcript'))
      and c.relname ~ '_[0-9]+$' order by 1
  `);
  return rows.map(({ name }) => name);
};

test('partitions go when all of them is old, and do not come back', async ({ db }) => {
  await jobDone(db, 1, 500);
  await jobDone(db, 2, 40);
  await jobDone(db, 100_001, 500);
  await jobDone(db, 200_001, 1);
  await db.query(sql`select setval('job_id_seq', 250000)`);
  await ensurePartitions(db);
  await db.query(sql`
    with r as (
      insert into repo (path, forge, location, branch) values ('x', 'local', '/x', 'main') returning id
    )
    insert into event (repo_id, type, payload, key, handled_at)
    select r.id, e.type, '{}', e.type, now() - interval '8 days'
    from r, unnest(array['push', 'first_start']) e(type)
  `);
  await db.query(sql`
    insert into effect (repo_id, job_id, type, payload, key, state) values (1, 2, 'issue', '{}', 'k', 'staged')
  `);

  const gone = await forgetOld({ db, log: silentLog, keep });

  expect(gone).toEqual({
    transcripts: 2,
    jobEvents: 1,
    artifacts: 2,
    jobs: 1,
    events: 1,
    sessions: 0,
  });
  const left = await partitions(db);
  expect(left).toContain('job_done_0');
  expect(left).not.toContain('job_done_1');
  expect(left).toContain('job_event_0');
  expect(left).not.toContain('transcript_0');
  expect(left).toContain('transcript_2');
  await ensurePartitions(db);
  expect(await partitions(db)).toEqual(left);
  expect(await forgetOld({ db, log: silentLog, keep })).toEqual({
    transcripts: 0,
    jobEvents: 0,
    artifacts: 0,
    jobs: 0,
    events: 0,
    sessions: 0,
  });
});

test('a partition into which a live job may still end stays', async ({ db }) => {
  await db.query(sql`
    insert into job (id, repo_id, agent, title, task, trigger, trust) overriding system value
    values (5, 1, 1, 't', 't', '{}', 'owner')
  `);
  const before = await partitions(db);

  await forgetOld({ db, log: silentLog, keep });

  expect(await partitions(db)).toEqual(before);
});
