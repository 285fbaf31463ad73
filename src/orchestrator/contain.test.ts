import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { sql } from '../db/sql.ts';
import { expireGates } from './decide-gates.ts';
import { tieLooseEnds } from './loose-ends.ts';
import { orchestratorFixture, publishAll } from './orchestrator-fixture.ts';
import { rule } from './spec-fixture.ts';

test('what fails inside for one gate or job is set aside, and the others go on', async ({ db }) => {
  using fixture = await orchestratorFixture(db, { approvals: { default: rule({ expiresMs: 1 }) } });
  const bad = await fixture.work({ files: { 'src/add.ts': 'export const one = 2;\n' } });
  await publishAll(fixture);
  const good = await fixture.work({
    files: { 'src/two.ts': 'export const two = 2;\n' },
  });
  await publishAll(fixture);
  const forgotten = await fixture.enqueue({ agent: 'pm' });
  await db.query(sql`
    insert into gate (repo_id, job_id, kind, title, body) values
      (${fixture.repoId}, ${forgotten + 1000}, 'question', 'bad', ''),
      (${fixture.repoId}, ${forgotten + 1001}, 'question', 'good', '')
  `);
  await db.query(sql`
    create function refuse() returns trigger language plpgsql as 'begin raise exception ''inside''; end'
  `);
  await db.query(sql`
    create trigger refuse before update on gate for each row
    when (new.state <> 'open' and (new.title = 'bad' or new.id = 1)) execute function refuse()
  `);

  try {
    await expireGates(fixture.deps);
    await tieLooseEnds(fixture.deps);
  } finally {
    await db.query(sql`drop function refuse() cascade`);
  }

  expect(await fixture.job(bad)).toMatchObject({ state: 'review' });
  expect(await fixture.job(good)).toMatchObject({ state: 'rejected', reason: 'expired' });
  expect(await db.query(sql`select title from gate where state = 'superseded'`)).toEqual([
    { title: 'good' },
  ]);
  expect(await db.query(sql`select sweep, error from setback order by sweep`)).toEqual([
    { sweep: 'forgotten_gate', error: 'error: inside' },
    { sweep: 'gate_expiry', error: 'error: inside' },
  ]);
});
