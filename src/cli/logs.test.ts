import { zstdCompressSync } from 'node:zlib';

import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { TOKEN, setupApi } from '../dashboard/api/api-fixture.ts';
import type { Db } from '../db/db.ts';
import { sql } from '../db/sql.ts';
import { insertGate, insertJob, insertRepo } from '../db/views/rows-fixture.ts';
import { jobStateCode } from '../domain/job-state.ts';
import { run } from './cli-fixture.ts';

async function setup(db: Db) {
  const { listen } = setupApi(db);
  const url = await listen();
  const repoId = await insertRepo(db);
  const id = await insertJob(db, repoId, { state: 'running' });
  return {
    repoId,
    id,
    logs: (
      options: string[],
      { signal, onOutput }: { signal?: AbortSignal; onOutput?: (text: string) => void } = {},
    ) =>
      run(['logs', `j_${id}`, ...options], {
        env: { AUTODEV_URL: url, AUTODEV_TOKEN: TOKEN },
        ...(signal && { signal }),
        ...(onOutput && { onOutput }),
      }),
  };
}

test('logs prints what was said, and with -f goes on until the job is over', async ({ db }) => {
  const { id, logs } = await setup(db);
  await say(db, id, { lines: ['reading'] });

  const once = await logs([]);
  const followed = await logs(['-f'], {
    onOutput: when('reading', async () => {
      await say(db, id, { chunk: 1, lines: ['writing'] });
      await finish(db, id);
    }),
  });
  const json = await logs(['-o', 'json']);

  expect(once.stdout).toBe('stderr reading\n');
  expect(followed).toMatchObject({ code: 0, stdout: 'stderr reading\nstderr writing\n' });
  expect(followed.stderr).toBe(`j_${id} ✖ failed: The worker ended with an error.\n`);
  expect(json.stdout).toBe(
    '{"stream":"stderr","text":"reading"}\n{"stream":"stderr","text":"writing"}\n',
  );
});

test.for([
  ['merge', 'review', null, '▲ review', 'autodev approve'],
  ['question', 'waiting', 'question', '◌ waiting (question)', 'autodev answer'],
  ['run', 'waiting', 'gate', '◌ waiting (gate)', 'autodev approve'],
] as const)(
  'logs -f ends when people are next, and says what the job waits for: %s',
  async ([kind, state, waitReason, said, remedy], { db }) => {
    const { id, repoId, logs } = await setup(db);
    await say(db, id, { lines: ['reading'] });
    let gate = 0;

    const { code, stdout, stderr } = await logs(['-f'], {
      onOutput: when('reading', async () => {
        await say(db, id, { chunk: 1, lines: ['last words'] });
        gate = await insertGate(db, repoId, { jobId: id, kind });
        await db.query(sql`update job set state = ${jobStateCode(state)}, wait_reason = ${waitReason}
          where id = ${id}`);
      }),
    });

    expect(code).toBe(0);
    expect(stdout).toBe('stderr reading\nstderr last words\n');
    expect(stderr).toContain(
      `j_${id} ${said}\n  g_${gate} Merge the fix?\n    ${remedy} g_${gate}`,
    );
  },
);

test('a second try begins with a line that says so, in JSON with nothing', async ({ db }) => {
  const { id, logs } = await setup(db);
  await say(db, id, { lines: ['first'] });
  await say(db, id, { attempt: 2, lines: ['second'] });

  const once = await logs([]);
  const json = await logs(['-o', 'json']);
  const one = await logs(['--attempt', '2']);
  const followed = await logs(['-f'], { onOutput: when('second', () => finish(db, id)) });

  expect(once.stdout).toBe('stderr first\n── try 2 ──\nstderr second\n');
  expect(json.stdout).not.toContain('try');
  expect(one.stdout).toBe('stderr second\n');
  expect(followed.stdout).toBe(once.stdout);
});

test('Ctrl-C ends a log that is followed with 130', async ({ db }) => {
  const { id, logs } = await setup(db);
  await say(db, id, { lines: ['reading'] });
  const stop = new AbortController();

  const { code } = await logs(['-f'], { signal: stop.signal, onOutput: () => stop.abort() });

  expect(code).toBe(130);
});

/** Does it when `text` is on the screen, and only then. */
function when(text: string, act: () => Promise<void>): (screen: string) => void {
  let isDone = false;
  return (screen) => {
    if (!isDone && screen.includes(text)) {
      isDone = true;
      void act();
    }
  };
}

async function say(
  db: Db,
  id: number,
  { attempt = 1, chunk = 0, lines }: { attempt?: number; chunk?: number; lines: string[] },
): Promise<void> {
  const text = lines
    .map((line) => `${JSON.stringify({ stream: 'stderr', text: line })}\n`)
    .join('');
  await db.query(sql`insert into attempt (job_id, attempt, runner, epoch, provider, spec, digest)
    values (${id}, ${attempt}, 1, 1, 'command', '{}', 'd') on conflict do nothing`);
  await db.query(sql`insert into transcript (job_id, attempt, chunk, first_line, lines, body)
    values (${id}, ${attempt}, ${chunk}, ${chunk}, ${lines.length}, ${zstdCompressSync(text)})`);
}

async function finish(db: Db, id: number): Promise<void> {
  await db.query(sql`
    with gone as (delete from job where id = ${id} returning *)
    insert into job_done select gone.*, now() from gone`);
  await db.query(
    sql`update job_done set state = ${jobStateCode('failed')}, reason = 'crashed' where id = ${id}`,
  );
}
