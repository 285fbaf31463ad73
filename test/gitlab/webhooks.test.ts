import { createHmac } from 'node:crypto';

import { expect, test } from 'vitest';

import { hookReceiver, newest, shop } from './shop-fixture.ts';

const KEY = Buffer.from('0123456789abcdef0123456789abcdef');

async function told(
  hook: Record<string, unknown> = {},
  { answer, ...options }: Parameters<typeof shop>[0] & { answer?: () => number } = {},
) {
  const setup = await shop(options);
  const receiver = await hookReceiver(answer);
  const maintainer = setup.gitlab.token(setup.alice).value;
  const path = `/projects/${setup.project.id}/hooks`;
  const asMaintainer = (at: string, method = 'GET', values?: unknown) =>
    setup.askAs(maintainer, at, {
      method,
      ...(values === undefined ? {} : { body: JSON.stringify(values) }),
    });
  const made = await asMaintainer(path, 'POST', {
    url: receiver.url,
    push_events: true,
    merge_requests_events: true,
    note_events: true,
    issues_events: true,
    ...hook,
  });
  let touched = 0;
  return {
    ...setup,
    ...receiver,
    made,
    asMaintainer,
    one: `${path}/${newest(setup.gitlab.webhooks.hooks).id}`,
    /** One push, and everything that follows from it. */
    push: async () => {
      touched += 1;
      await setup.gitlab.push(setup.project, {
        branch: `b${touched}`,
        by: setup.bot,
        files: { 'x.md': `${touched}\n` },
      });
      await setup.gitlab.webhooks.settled();
    },
    async [Symbol.asyncDispose]() {
      await receiver[Symbol.asyncDispose]();
      await setup.gitlab[Symbol.asyncDispose]();
    },
  };
}

test('a signed delivery is Standard Webhooks, and the log hides the token that goes with it', async () => {
  await using setup = await told({
    signing_token: `whsec_${KEY.toString('base64')}`,
    token: 'quiet',
  });

  await setup.push();
  const { headers, body } = newest(setup.received);
  const log = await setup.asMaintainer(`${setup.one}/events`);

  const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`;
  expect(headers['webhook-signature']).toBe(
    `v1,${createHmac('sha256', KEY).update(signed).digest('base64')}`,
  );
  expect(headers['idempotency-key']).toBe(headers['webhook-id']);
  expect(headers['x-gitlab-token']).toBe('quiet');
  expect(setup.made.body).toMatchObject({ token_present: true, signing_token_present: true });
  expect(log.body).toMatchObject([{ trigger: 'push_hooks', response_status: '200' }]);
  expect(JSON.stringify(log.body)).not.toContain('quiet');
});

test('the acts of people arrive in order, with the head before a push in `oldrev`', async () => {
  await using setup = await told();
  const { gitlab, project, alice, bob, bot } = setup;

  const mergeRequest = await setup.opened();
  const [first] = mergeRequest.versions;
  await gitlab.as(alice).comment(mergeRequest, '/autodev approve');
  await gitlab.push(project, { branch: 'autodev/fix', by: bot, files: { 'y.md': 'y\n' } });
  await gitlab.as(bob).approve(mergeRequest);
  await gitlab.as(alice).merge(mergeRequest);
  await gitlab.webhooks.settled();

  const acts = setup.received.map(({ headers, payload }) => {
    const attributes = Object(payload['object_attributes']);
    return [headers['x-gitlab-event'], attributes.action ?? payload['ref'], attributes.oldrev];
  });
  expect(acts).toEqual([
    ['Push Hook', 'refs/heads/autodev/fix', undefined],
    ['Merge Request Hook', 'open', undefined],
    ['Note Hook', 'create', undefined],
    ['Push Hook', 'refs/heads/autodev/fix', undefined],
    ['Merge Request Hook', 'update', first?.head],
    ['Merge Request Hook', 'approved', undefined],
    ['Merge Request Hook', 'merge', undefined],
    ['Push Hook', 'refs/heads/autodev/fix', undefined],
    ['Push Hook', 'refs/heads/main', undefined],
  ]);
});

test('four failures in a row pause a hook, what happens meanwhile is lost, and a 2xx forgives', async () => {
  let status = 500;
  await using setup = await told({}, { answer: () => status });
  const { gitlab, asMaintainer, one, push, received } = setup;

  for (let time = 0; time < 5; time += 1) {
    await push();
  }
  const paused = await asMaintainer(one);
  const whilePaused = received.length;
  status = 200;
  await gitlab.manualClock.advance(60_001);
  await push();
  const healthy = await asMaintainer(one);

  expect(paused.body).toMatchObject({ alert_status: 'temporarily_disabled' });
  expect(whilePaused).toBe(4);
  expect(received).toHaveLength(5);
  expect(healthy.body).toMatchObject({ alert_status: 'executable', disabled_until: null });
});

test('forty failures disable a hook until a test of it succeeds', async () => {
  let status = 500;
  await using setup = await told({}, { answer: () => status });
  const { gitlab, asMaintainer, one, push } = setup;
  const hook = newest(gitlab.webhooks.hooks);
  hook.failures = 39;

  await push();
  const disabled = await asMaintainer(one);
  const failed = await asMaintainer(`${one}/test/push_events`, 'POST');
  status = 200;
  await asMaintainer(`${one}/test/push_events`, 'POST');
  const healthy = await asMaintainer(one);

  expect(disabled.body).toMatchObject({ alert_status: 'disabled' });
  expect(failed.status).toBe(422);
  expect(healthy.body).toMatchObject({ alert_status: 'executable' });
});

test('what was missed can be sent again under the same key', async () => {
  let status = 503;
  await using setup = await told({}, { answer: () => status });
  const { asMaintainer, one, push, received } = setup;

  await push();
  status = 200;
  const failures = await asMaintainer(`${one}/events?status[]=server_failure`);
  const [missed] = Array.isArray(failures.body) ? failures.body : [];
  const resent = await asMaintainer(`${one}/events/${Object(missed).id}/resend`, 'POST');

  expect(resent.body).toEqual({ response_status: 200 });
  expect(received.map(({ headers }) => headers['webhook-id'])).toEqual([
    received[0]?.headers['webhook-id'],
    received[0]?.headers['webhook-id'],
  ]);
  expect(received[1]?.body).toBe(received[0]?.body);
});

test('a delivery that gets no answer is repeated under its key', async () => {
  await using setup = await told({}, { hooks: { retries: 2 } });
  await setup.asMaintainer(setup.one, 'PUT', { url: 'http://127.0.0.1:1/nobody' });

  await setup.push();

  const sent = setup.gitlab.deliveries();
  expect(sent.map(({ status }) => status)).toEqual(Array(3).fill('internal error'));
  expect(new Set(sent.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1);
});

test('a test can lose, repeat and reorder what is on its way', async () => {
  await using setup = await told();
  const { gitlab, push, received } = setup;
  const { traffic } = gitlab.webhooks;

  traffic.drop(1);
  await push();
  traffic.duplicate(1);
  await push();
  traffic.hold();
  await push();
  await push();
  traffic.release((held) => held.toReversed());
  await gitlab.webhooks.settled();

  expect(received.map(({ payload }) => payload['ref'])).toEqual([
    'refs/heads/b2',
    'refs/heads/b2',
    'refs/heads/b4',
    'refs/heads/b3',
  ]);
});

test('hooks of a group hear of its projects on Premium and are not even a route on Free', async () => {
  await using free = await shop({ tier: 'free' });
  await using premium = await shop({ tier: 'premium' });
  await using receiver = await hookReceiver();
  const add = ({ gitlab, alice, askAs }: typeof free) => {
    const group = gitlab.group('platform', [[alice, 'owner']]);
    return askAs(gitlab.token(alice).value, `/groups/${group.id}/hooks`, {
      method: 'POST',
      body: JSON.stringify({ url: receiver.url, push_events: true }),
    });
  };

  const [onFree, onPremium] = [await add(free), await add(premium)];
  await premium.gitlab.push(premium.project, { branch: 'x', by: premium.bot, files: { x: 'x' } });
  await premium.gitlab.webhooks.settled();

  expect([onFree.status, onPremium.status]).toEqual([404, 201]);
  expect(receiver.events()).toEqual(['Push Hook']);
});
