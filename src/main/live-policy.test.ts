import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { expect, onTestFinished, test } from 'vitest';

import { effectivePolicy } from '../config/policy.ts';
import { systemClock } from '../kernel/clock.ts';
import { silentLog } from '../kernel/log.ts';
import { aborted } from '../kernel/service.ts';
import type { LivePolicy } from './live-policy.ts';
import { openPolicy, underPolicy } from './live-policy.ts';

const deps = { clock: systemClock, log: silentLog };
const WAIT = { timeout: 20_000 };

async function setup(text: string) {
  const folder = await mkdtemp(path.join(tmpdir(), 'autodev-policy-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = path.join(folder, 'policy.yaml');
  await writeFile(file, text);
  const open = async (): Promise<LivePolicy> => {
    const policy = await openPolicy(deps, file, { pollMs: 10 });
    onTestFinished(() => policy[Symbol.dispose]());
    return policy;
  };
  return { file, open };
}

const allowing = (usd: number): string =>
  `version: 1\nrules:\n  - { repos: ['**'], allow: true, ceilings: { attempt_usd: ${usd} } }\n`;

const ceilingOf = (policy: LivePolicy): unknown =>
  effectivePolicy(policy, 'group/app').rule.ceilings?.attempt_usd;

test('a policy that is written anew, or replaced as a mounted file is, is in force at once', async () => {
  const { file, open } = await setup(allowing(1));
  const policy = await open();
  const changed = policy.changed(new AbortController().signal);

  await writeFile(file, allowing(20));
  await changed;
  const written = ceilingOf(policy);
  await writeFile(`${file}.new`, allowing(30));
  await rename(`${file}.new`, file);

  expect(written).toBe(20);
  await expect.poll(() => ceilingOf(policy), WAIT).toBe(30);
  expect(policy.problem()).toBeUndefined();
});

test('a broken or missing file leaves the last good one in force, and says why', async () => {
  const { file, open } = await setup(allowing(1));
  const policy = await open();

  await writeFile(file, 'version: 1\nrules: [{ repo: x }]\n');
  await expect.poll(() => policy.problem(), WAIT).toContain('policy.yaml:2 is invalid');
  const broken = ceilingOf(policy);
  await rm(file);
  await expect.poll(() => policy.problem(), WAIT).toContain('cannot be read');
  const gone = ceilingOf(policy);
  await writeFile(file, allowing(5));
  await expect.poll(() => ceilingOf(policy), WAIT).toBe(5);

  expect([broken, gone]).toEqual([1, 1]);
  expect(policy.problem()).toBeUndefined();
});

test.for(['', '# nothing\n', 'version: 2\n', 'rules: {', 'a'.repeat(300 * 1024)])(
  'a policy that is broken at the start is no start',
  async (text) => {
    const { open } = await setup(text);

    await expect(open()).rejects.toMatchObject({ code: 'SETTINGS_INVALID' });
  },
);

test('without a file one machine is allowed what it wants', async () => {
  const policy = await openPolicy(deps, undefined);

  expect(effectivePolicy(policy, '/srv/app').rule).toMatchObject({ allow: true, command: true });
  policy[Symbol.dispose]();
});

test('a service is made anew for each policy, one after the other', async () => {
  const { file, open } = await setup(allowing(1));
  const policy = await open();
  const made: unknown[] = [];
  let running = 0;
  let most = 0;
  const stop = new AbortController();
  const service = underPolicy(policy, () => {
    const ceiling = ceilingOf(policy);
    return async (signal) => {
      made.push(ceiling);
      running += 1;
      most = Math.max(most, running);
      await aborted(signal);
      running -= 1;
    };
  });

  const ended = service(stop.signal);
  await writeFile(file, allowing(2));
  await expect.poll(() => made, WAIT).toEqual([1, 2]);
  stop.abort();
  await ended;

  expect([running, most]).toEqual([0, 1]);
});

test('a service that fails is not made again, and its failure is not hidden', async () => {
  const { open } = await setup(allowing(1));
  const policy = await open();
  const service = underPolicy(policy, () => () => Promise.reject(new Error('inside')));

  await expect(service(new AbortController().signal)).rejects.toThrow('inside');
});
