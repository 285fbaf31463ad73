import { expect, test } from 'vitest';

import type { GitlabOptions } from '../../../test/gitlab/gitlab.ts';
import { systemClock } from '../../kernel/clock.ts';
import { NEVER, startShop } from './gitlab-forge-fixture.ts';
import { ensureHook } from './hooks.ts';
import { putIssue, setIssueState } from './issues.ts';
import { listNotes, putNote } from './notes.ts';
import { createPeople } from './people.ts';
import { commentOnLine } from './review.ts';
import { setStatus } from './statuses.ts';

async function setup(options: Partial<GitlabOptions> = {}) {
  const shop = await startShop(options);
  const head = await shop.gitlab.push(shop.project, {
    branch: 'autodev/fix',
    by: shop.bot,
    files: { 'src/fix.ts': 'one\ntwo\n' },
  });
  const request = await shop.gitlab
    .as(shop.bot)
    .openMergeRequest(shop.project, { source: 'autodev/fix', title: 'Fix' });
  const deps = { client: shop.client, people: createPeople({ ...shop, clock: systemClock }) };
  const target = { kind: 'merge_request', number: request.iid } as const;
  const put = (body: string) => putNote(deps, shop.repo, { target, marker: 'plan', body }, NEVER);
  const notes = () => listNotes(deps, shop.repo, target, NEVER);
  return { ...shop, head, request, deps, target, put, notes };
}

test('a note is written once, edited where its words changed, and never doubled', async () => {
  await using shop = await setup();

  const first = await shop.put('One.');
  const same = await shop.put('One.');
  const other = await shop.put('Two.');

  expect([first.changed, same.changed, other.changed]).toEqual([true, false, true]);
  expect(other.id).toBe(first.id);
  expect((await shop.notes()).map(({ body }) => body)).toEqual(['<!-- autodev:plan -->\nTwo.']);
});

test('a note whose answer was lost is found again', async () => {
  await using shop = await setup();
  shop.gitlab.faults.add({ on: /^POST .*notes/, fault: { kind: 'half' } });

  await shop.put('One.');

  expect(await shop.notes()).toHaveLength(1);
});

test("somebody's note with our marker is not taken for ours, nor one of ours that quotes it", async () => {
  await using shop = await setup();
  const [planted, quoted] = ['<!-- autodev:plan -->\nAll fine!', '> <!-- autodev:plan -->\nIs it?'];
  await shop.gitlab.as(shop.bob).comment(shop.request, planted);
  await shop.gitlab.as(shop.bot).comment(shop.request, quoted);

  await shop.put('One.');

  expect((await shop.notes()).map(({ body }) => body)).toEqual([
    planted,
    quoted,
    '<!-- autodev:plan -->\nOne.',
  ]);
});

test('a finding stands on its line, once; where the diff has no such line it is a plain note', async () => {
  await using shop = await setup();
  const comment = { marker: 'effect:1', path: 'src/fix.ts', line: 2, body: 'Why two?' };
  const say = (one: typeof comment) =>
    commentOnLine(shop.deps, shop.repo, { number: 1, comment: one }, NEVER);

  await say(comment);
  const again = await say(comment);
  shop.gitlab.faults.add({ on: /^POST .*discussions/, fault: { kind: 'status', status: 400 } });
  const elsewhere = await say({ ...comment, marker: 'effect:2', line: 99 });

  const notes = await shop.notes();
  expect([again.onLine, elsewhere.onLine]).toEqual([true, false]);
  expect(notes).toHaveLength(2);
  expect(notes.at(-1)?.body).toContain('`src/fix.ts`, line 99:\n\nWhy two?');
  expect(shop.request.discussions[0]?.notes[0]?.position).toMatchObject({ new_line: 2 });
});

test('an issue is opened once, also when its answer was lost, and closed', async () => {
  await using shop = await setup();
  shop.gitlab.faults.add({ on: /^POST .*issues/, fault: { kind: 'reset', after: true } });
  const put = (title: string) =>
    putIssue(
      shop.deps,
      shop.repo,
      { marker: 'config', title, description: 'Line 3.', labels: ['autodev'], since: new Date(0) },
      NEVER,
    );

  const first = await put('autodev.yaml is invalid');
  const second = await put('autodev.yaml is still invalid');
  await setIssueState(shop.deps, shop.repo, { number: first.number, open: false }, NEVER);

  expect(second.number).toBe(first.number);
  expect(shop.gitlab.state.issues).toMatchObject([
    { title: 'autodev.yaml is still invalid', state: 'closed', labels: ['autodev'] },
  ]);
});

test('a status joins the pipeline of its commit, is not said twice, and always ends', async () => {
  await using shop = await setup();
  const pipeline = shop.gitlab.pipeline(shop.project, {
    sha: shop.head,
    ref: 'autodev/fix',
    by: shop.alice,
    jobs: { test: {} },
  });
  const say = (state: 'running' | 'success', description: string) =>
    setStatus(
      shop.client,
      shop.repo,
      { sha: shop.head, status: { name: 'autodev/config', state, description }, waitMs: 1 },
      NEVER,
    );

  const states = [
    await say('running', 'Reading'),
    await say('running', 'Reading on'),
    await say('success', 'Valid'),
    await say('success', 'Valid'),
  ].map(({ changed }) => changed);

  expect(states).toEqual([true, false, true, false]);
  expect(shop.gitlab.state.pipelines).toEqual([pipeline]);
  expect(pipeline.jobs.filter(({ name }) => name === 'autodev/config')).toMatchObject([
    { status: 'success', description: 'Valid' },
  ]);
});

test('a status without a pipeline waits for one a moment, then makes its own', async () => {
  await using shop = await setup();
  shop.gitlab.faults.add({ on: /^POST .*statuses/, fault: { kind: 'status', status: 409 } });
  const status = {
    name: 'autodev/config',
    state: 'failed',
    description: 'Line 3',
    branch: 'autodev/fix',
  } as const;

  await setStatus(shop.client, shop.repo, { sha: shop.head, status, waitMs: 1 }, NEVER);

  expect(shop.gitlab.state.pipelines).toMatchObject([{ source: 'external', ref: 'autodev/fix' }]);
});

test('a hook is installed, kept as it must be, and taken into use again', async () => {
  await using shop = await setup();
  shop.gitlab.addMember(shop.project, shop.bot, 'maintainer');
  const wanted = { url: 'http://127.0.0.1:9/webhook', secret: { token: 's' } };
  const ensure = () => ensureHook(shop.client, shop.repo, wanted, NEVER);

  const installed = await ensure();
  const healthy = await ensure();
  const [hook] = shop.gitlab.webhooks.hooks;
  hook?.events.delete('note_events');
  const repaired = await ensure();

  expect([installed.state, healthy.state, repaired.state]).toEqual([
    'installed',
    'healthy',
    'repaired',
  ]);
  expect(shop.gitlab.webhooks.hooks).toHaveLength(1);
  expect(hook?.events.has('note_events')).toBe(true);
});

test('a hook that GitLab gave up on says so while GitLab cannot reach us', async () => {
  await using shop = await setup();
  shop.gitlab.addMember(shop.project, shop.bot, 'maintainer');
  const wanted = { url: 'http://127.0.0.1:9/webhook', secret: { token: 's' } };
  await ensureHook(shop.client, shop.repo, wanted, NEVER);
  const [hook] = shop.gitlab.webhooks.hooks;
  if (hook) {
    hook.failures = 40;
  }

  await expect(ensureHook(shop.client, shop.repo, wanted, NEVER)).rejects.toMatchObject({
    code: 'FORGE_REFUSED',
  });
});

test('who may not install a hook is told which role it takes', async () => {
  await using shop = await setup();
  const wanted = { url: 'http://127.0.0.1:9/webhook', secret: { token: 's' } };

  await expect(ensureHook(shop.client, shop.repo, wanted, NEVER)).rejects.toMatchObject({
    code: 'FORGE_FORBIDDEN',
    remedy: expect.stringContaining('Maintainer'),
  });
});

test('members are known by the role that counts, also by inheritance', async () => {
  await using shop = await setup();
  shop.gitlab.group('platform', [[shop.bob, 'owner']]);
  const role = async (id: number) =>
    (await shop.deps.people.member(shop.project.id, id, NEVER))?.role;

  expect(await role(shop.alice.id)).toBe('maintainer');
  expect(await role(shop.bob.id)).toBe('owner');
  expect(await role(999)).toBeUndefined();
});
