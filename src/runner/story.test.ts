import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { findArtifact } from '../db/artifacts.ts';
import { getAttempt } from '../db/attempts.ts';
import { listEffects } from '../db/effects.ts';
import { wakeJob } from '../db/promote.ts';
import { checkChange } from '../domain/change-check.ts';
import { makeToolbox } from '../sandbox/toolbox.ts';
import { unsandboxed } from '../sandbox/unsandboxed.ts';
import { importResult } from './import-result.ts';
import { readPatch } from './read-patch.ts';
import { openRunnerFixture } from './runner-fixture.ts';
import { createScratchRepository } from './scratch-repository.ts';

const WRITE = `write() { echo "$1" >> "$AUTODEV_OUTPUTS"; }\n`;

test('a job becomes one commit with its effects, by a program that reads a task and writes outputs', async ({
  db,
}) => {
  await using s = await openRunnerFixture(db);
  await s.apply({
    builder: {
      worker: `${WRITE}
        grep -q '"title": "Say two"' "$AUTODEV_TASK_FILE" && echo two >> src/add.txt
        echo "working on it: $(git diff --stat | tail -1), after $(git log --oneline | wc -l)"
        write '{"type":"issue","title":"Seen","description":"More."}'
        write '{"type":"merge_request","title":"Draft: Say /two","description":"Why."}'`,
      setup: ['echo ready > "$HOME/ready"'],
      check: ['grep -q two src/add.txt && test -e "$HOME/ready"'],
    },
  });
  const head = s.git('rev-parse', 'main');
  const id = await s.queue();

  s.start();
  const job = await s.until(id, 'publishing', 'failed');

  expect([job.state, job.reason, job.detail]).toEqual([
    'publishing',
    'succeeded',
    'The work is done.',
  ]);
  const artifact = await findArtifact(db, { jobId: id });
  expect(artifact).toMatchObject({
    base: head,
    stat: { files: 1, added: 1, removed: 0, paths: ['src/add.txt'] },
  });
  expect(artifact?.diff).toContain('+two');
  const effects = await listEffects(db, id);
  expect(effects.map(({ type, position, state }) => [type, position, state])).toEqual([
    ['issue', 1, 'pending'],
    ['merge_request', 2, 'pending'],
  ]);
  const attempt = await getAttempt(db, { jobId: id, attempt: 1 });
  expect(attempt).toMatchObject({ base: head, reason: 'succeeded', provider: 'command' });
  expect(attempt.checks.map(({ exit }) => exit)).toEqual([0, 0]);
  expect(await s.transcript(id)).toContain(
    'working on it:  1 file changed, 1 insertion(+), after 2',
  );
});

test('a result is looked at again from its bundle alone, as whoever publishes it does', async ({
  db,
}) => {
  await using s = await openRunnerFixture(db);
  await s.apply({ builder: { worker: 'echo two >> src/add.txt' } });
  const id = await s.queue({ title: 'Say two\nand more' });
  s.start();
  await s.until(id, 'publishing');
  const artifact = await findArtifact(db, { jobId: id });
  if (artifact === undefined) {
    throw new Error('the job left no artifact');
  }
  const mirror = join(s.folder, 'mirror');
  const repository = join(s.folder, 'again');
  const never = new AbortController().signal;
  await s.deps.forge.fetchMirror(s.repo, mirror, never);
  await createScratchRepository(repository, { mirror, base: artifact.base });

  const swapped = { ...artifact, head: 'a'.repeat(40) };
  const refused = importResult(s.deps, { repository, artifact: swapped }, never);
  await expect(refused).rejects.toThrow('not the one commit that was announced');
  await importResult(s.deps, { repository, artifact }, never);
  const patch = await readPatch(s.deps, { ...artifact, repository, mirror }, never);
  const narrow = { merge_request: { max: 1, paths: ['docs/**'] } };
  const outside = checkChange(patch, narrow, s.deps.matches);

  expect(patch).toMatchObject({ stat: artifact.stat, diff: artifact.diff });
  expect(checkChange(patch, { merge_request: { max: 1 } }, s.deps.matches)).toEqual([]);
  expect(outside.map(({ code, path }) => [code, path])).toEqual([
    ['path_not_allowed', 'src/add.txt'],
  ]);
  const [effect] = await listEffects(db, id);
  expect(effect).toMatchObject({ type: 'merge_request', payload: { title: 'Say two' } });
});

test('work that is handed off without a merge request goes on from where it was left', async ({
  db,
}) => {
  await using s = await openRunnerFixture(db);
  await s.apply({
    tester: {
      worker: `${WRITE} echo three >> src/add.txt
        write '{"type":"hand_off","agent":"builder","title":"Go on","task":"Say four."}'`,
    },
    builder: { worker: 'grep -q three src/add.txt && echo four >> src/add.txt' },
  });
  const parent = await s.queue({ agent: 'tester', trust: 'developer' });
  const runner = s.start();

  await s.until(parent, 'succeeded', 'failed');
  const child = await s.until(parent + 1, 'waiting');
  await db.transaction((tx) => wakeJob(tx, child.id, { from: 'parent' }));
  const done = await s.until(child.id, 'publishing', 'failed', 'waiting');
  await runner.stop();

  expect(child).toMatchObject({
    waitReason: 'parent',
    rootId: parent,
    parentId: parent,
    depth: 1,
    trust: 'developer',
    trigger: { kind: 'hand_off', from_job: parent },
  });
  expect([done.state, done.detail]).toEqual(['publishing', 'The work is done.']);
  const result = await findArtifact(db, { jobId: child.id });
  expect(result?.base).toBe(s.git('rev-parse', 'main'));
  expect(result?.diff).toContain('+three\n+four');
  const mirror = join(s.deps.folder, 'mirrors', String(s.repo.id));
  const refs = execFileSync('git', ['for-each-ref', '--format=%(refname)'], { cwd: mirror });
  expect(refs.toString()).toBe('refs/heads/main\n');
});

test('an agent does not hand work to one that already worked at that commit', async ({ db }) => {
  await using s = await openRunnerFixture(db);
  const worker = `${WRITE} write '{"type":"hand_off","agent":"builder","title":"Again","task":"Again."}'`;
  await s.apply({ builder: { worker } });
  const id = await s.queue();
  s.start();

  const job = await s.until(id, 'succeeded', 'failed');

  expect([job.state, job.reason]).toEqual(['failed', 'loop']);
  expect(job.detail).toMatch(/The builder has already worked at/);
});

test('a question queues behind its effect, and a staged agent changes nothing outside', async ({
  db,
}) => {
  await using s = await openRunnerFixture(db);
  await s.apply({
    builder: { worker: `${WRITE} write '{"type":"question","text":"Which one?"}'` },
    tester: {
      mode: 'staged',
      worker: `${WRITE} write '{"type":"issue","title":"Seen","description":"x"}'`,
    },
    pm: { worker: `${WRITE} write '{"type":"noop","reason":"All is well."}'` },
  });
  const asks = await s.queue();
  const stages = await s.queue({ agent: 'tester' });
  const idles = await s.queue({ agent: 'pm' });
  s.start();

  const asked = await s.until(asks, 'publishing', 'failed');
  const staged = await s.until(stages, 'succeeded', 'failed');
  const idle = await s.until(idles, 'succeeded', 'failed');

  expect([asked.reason, asked.uncounted]).toEqual(['question', 1]);
  expect([staged.state, staged.reason]).toEqual(['succeeded', 'staged']);
  expect(await listEffects(db, stages)).toMatchObject([{ type: 'issue', state: 'staged' }]);
  expect([idle.state, idle.reason]).toEqual(['succeeded', 'noop']);
});

test('on a merge request the instructions come from the default branch, and stay out of the change', async ({
  db,
}) => {
  await using s = await openRunnerFixture(db);
  await s.apply({
    builder: { worker: 'cat AGENTS.md > src/seen.txt; echo mine > AGENTS.md' },
  });
  s.commit({ 'AGENTS.md': 'be careful\n' });
  s.git('checkout', '-q', '-b', 'autodev/work');
  const base = s.commit({ 'AGENTS.md': 'be careless\n', '.autodev/builder.sh': 'exit 9' });
  s.git('checkout', '-q', 'main');
  const id = await s.queue({ base, branch: 'autodev/work' });
  s.start();

  const job = await s.until(id, 'publishing', 'failed', 'waiting');

  expect([job.state, job.detail]).toEqual(['publishing', 'The work is done.']);
  const artifact = await findArtifact(db, { jobId: id });
  expect(artifact?.base).toBe(base);
  expect(artifact?.stat.paths).toEqual(['src/seen.txt']);
  expect(artifact?.diff).toContain('+be careful');
});

test('without a box the same story is told, and the attempt says that nothing was isolated', async ({
  db,
}) => {
  await using s = await openRunnerFixture(db);
  const toolbox = await makeToolbox(join(s.folder, 'tools'), process.execPath);
  await s.apply({
    builder: {
      worker: `${WRITE} git log --format=%s -1 && echo two >> src/add.txt
        write '{"type":"merge_request","title":"Say two","description":"Why."}'`,
      check: ['grep two src/add.txt'],
    },
  });
  const id = await s.queue();
  s.start({
    sandbox: unsandboxed({ clock: s.deps.clock, toolbox }),
    sandboxState: { mode: 'off', protected: false, reason: 'switched off' },
  });

  const job = await s.until(id, 'publishing', 'failed', 'waiting');

  expect([job.state, job.detail]).toEqual(['publishing', 'The work is done.']);
  expect(await getAttempt(db, { jobId: id, attempt: 1 })).toMatchObject({ sandboxed: false });
  expect(await s.transcript(id)).toContain('Work of a person');
});

test('a host that setup may not reach is refused and named in the transcript', async ({ db }) => {
  await using s = await openRunnerFixture(db);
  const ask = `node -e 'const [host, port] = process.env.HTTPS_PROXY.slice(7).split(":");
    const socket = require("net").connect(port, host, () => socket.write("CONNECT other.example:443 HTTP/1.1\\r\\n\\r\\n"));
    socket.on("data", (data) => { console.log(String(data).split("\\r")[0]); socket.destroy(); })'`;
  await s.apply({
    builder: {
      setup: [ask],
      network: { allow: ['registry.example'] },
      worker: `${WRITE} test -z "$HTTPS_PROXY" && write '{"type":"noop","reason":"No way out."}'`,
    },
  });
  const id = await s.queue();
  s.start();

  const job = await s.until(id, 'succeeded', 'failed', 'waiting');

  expect([job.state, job.detail]).toEqual(['succeeded', 'The agent found nothing to do.']);
  const said = await s.transcript(id);
  expect(said).toContain('403 Host not in network.allow');
  expect(said).toContain('network: other.example:443 not_allowed');
});
