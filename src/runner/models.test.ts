import { join } from 'node:path';

import { describe, expect } from 'vitest';

import { test } from '../../test/database.ts';
import { findArtifact } from '../db/artifacts.ts';
import { listEffects } from '../db/effects.ts';
import { sql } from '../db/sql.ts';
import { findWorkerSession } from '../db/worker-sessions.ts';
import { makeToolbox } from '../sandbox/toolbox.ts';
import { unsandboxed } from '../sandbox/unsandboxed.ts';
import { KEYS } from './gateway-fixture.ts';
import { CALL, ENOUGH, openModels, working } from './model-fixture.ts';
import { openRunnerFixture } from './runner-fixture.ts';

const OUTPUT = JSON.stringify({ type: 'merge_request', title: 'Say two', description: 'Why.' });

describe.each(['codex', 'claude'] as const)('%s', (name) => {
  test('edits a file through the gateway, is metered exactly, and its work becomes a merge request', async ({
    db,
  }) => {
    await using s = await openRunnerFixture(db);
    await using models = await openModels(
      s,
      working('echo two >> src/add.txt', `echo '${OUTPUT}' >> "$AUTODEV_OUTPUTS"`),
    );
    await s.apply({ builder: { providers: [{ name }], limits: ENOUGH } });
    const id = await s.queue();

    s.start(models.deps);
    const job = await s.until(id, 'publishing', 'failed');

    expect([job.state, job.detail]).toEqual(['publishing', 'The work is done.']);
    expect((await findArtifact(db, { jobId: id }))?.diff).toContain('+two');
    expect((await listEffects(db, id)).map(({ type }) => type)).toEqual(['merge_request']);
    expect(models.standIn.requests).toHaveLength(3);
    expect(job).toMatchObject({ microUsd: 3 * CALL.microUsd, tokens: 3 * CALL.tokens });
    expect(
      await db.query(sql`select exact, tokens, model from attempt where job_id = ${id}`),
    ).toEqual([
      {
        exact: true,
        tokens: 3 * CALL.tokens,
        model: `${name === 'codex' ? 'gpt' : 'claude'}-test`,
      },
    ]);
    expect(
      await db.query(
        sql`select count(*)::int as n, sum(micro_usd)::int as sum from ledger where job_id = ${id}`,
      ),
    ).toEqual([{ n: 3, sum: 3 * CALL.microUsd }]);
    const transcript = await s.transcript(id);
    expect(transcript).toContain('echo two >> src/add.txt');
    expect(transcript).toContain('It says two now.');
    expect(transcript).not.toContain('{"type"');
    expect(await findWorkerSession(db, id)).toMatchObject({ provider: name, trust: 'owner' });
  });

  test('shows its tools no key of ours, wherever they look, and calls with it all the same', async ({
    db,
  }) => {
    await using s = await openRunnerFixture(db);
    await using models = await openModels(s, working('cat /proc/*/environ; env; ls -a ~'));
    await s.apply({ builder: { providers: [{ name }], limits: ENOUGH } });
    const id = await s.queue();

    s.start(models.deps);
    await s.until(id, 'publishing', 'failed', 'waiting');

    const said = JSON.stringify(models.standIn.requests.map(({ body }) => body));
    expect(said).toContain('AUTODEV_OUTPUTS');
    expect(said + (await s.transcript(id))).not.toContain('canary');
    const { headers } = models.standIn.requests[0] ?? { headers: {} };
    expect(JSON.stringify(headers)).toContain(KEYS[name].key);
  });
});

test('without a box the programs are started from where they are, and metered all the same', async ({
  db,
}) => {
  await using s = await openRunnerFixture(db);
  const toolbox = await makeToolbox(join(s.folder, 'tools'), process.execPath);
  const sandbox = unsandboxed({ clock: s.deps.clock, toolbox });
  const deps = { ...s.deps, sandbox };
  await using models = await openModels({ ...s, deps }, working('echo two >> src/add.txt'));
  await s.apply({ builder: { providers: [{ name: 'claude' }], limits: ENOUGH } });
  const id = await s.queue();

  s.start({ ...models.deps, sandbox });
  const job = await s.until(id, 'publishing', 'failed');

  expect([job.state, job.detail]).toEqual(['publishing', 'The work is done.']);
  expect(job.microUsd).toBe(2 * CALL.microUsd);
});

test('a model without a price is charged as the dearest, and people are told how to price it', async ({
  db,
}) => {
  await using s = await openRunnerFixture(db);
  await using models = await openModels(s, working('echo two >> src/add.txt'));
  await s.apply({ builder: { providers: [{ name: 'codex', model: 'gpt-new' }], limits: ENOUGH } });
  const id = await s.queue();

  s.start(models.deps);
  await s.until(id, 'publishing', 'failed');

  expect(await s.transcript(id)).toContain('prices: [{ provider: codex, model: gpt-new,');
  expect(await db.query(sql`select exact, micro_usd::int as usd from attempt`)).toEqual([
    { exact: false, usd: 2 * CALL.microUsd },
  ]);
});
