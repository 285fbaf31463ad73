import { expect, test } from 'vitest';

import { loadUnderPolicy } from './load-under-policy.ts';
import { effectivePolicy, loadPolicy, localPolicy } from './policy.ts';
import type { LoadedPolicy } from './policy.ts';

const FILE = `version: 1
agents:
  builder:
    limits: { usd: 5 }
schedules:
  often: { agent: builder, cron: "*/10 * * * *" }
`;

/** Loads a file under a policy. */
async function setup({ policy, file = FILE }: { policy: string | LoadedPolicy; file?: string }) {
  const rule = typeof policy === 'string' ? rules(policy) : policy;
  return loadUnderPolicy(file, effectivePolicy(rule, 'platform/shop'), {
    readFile: async () => undefined,
  });
}

function rules(text: string): LoadedPolicy {
  const result = loadPolicy(`version: 1\nrules:\n  - { repos: ["**"], ${text} }\n`);
  if (!result.ok) {
    throw new Error(JSON.stringify(result.diagnostics));
  }
  return result.policy;
}

test('what the policy does not grant refuses the file, at the line of the object that asks for it', async () => {
  const loaded = await setup({ policy: 'allow: true, agents: [tester]' });

  expect(loaded).toMatchObject({
    ok: false,
    diagnostics: [
      {
        severity: 'error',
        code: 'policy_violation',
        path: 'agents.builder',
        line: 3,
        remedy: expect.stringContaining('agents: [tester, builder]'),
      },
    ],
  });
});

test('a repository that the policy does not serve is refused at the top of its file', async () => {
  const loaded = await setup({ policy: 'allow: false' });

  expect(loaded).toMatchObject({
    ok: false,
    diagnostics: [{ code: 'policy_violation', path: '', line: 1, column: 1 }],
  });
});

test('a limit is cut to its ceiling, and the warning stands at the object', async () => {
  const policy = 'allow: true, ceilings: { attempt_usd: { max: 2, mode: clamp } }';

  const loaded = await setup({ policy });

  expect(loaded).toMatchObject({
    ok: true,
    spec: { agents: { builder: { limits: { microUsd: 2_000_000 } } } },
    diagnostics: [
      { severity: 'warning', code: 'policy_clamped', path: 'agents.builder.limits.usd', line: 3 },
    ],
  });
});

test('the objects and the digest are those of what runs, with the lines of the file', async () => {
  const clamped = await setup({
    policy: 'allow: true, ceilings: { attempt_usd: { max: 2, mode: clamp } }',
  });
  const free = await setup({ policy: 'allow: true' });

  if (!clamped.ok || !free.ok) {
    throw new Error(JSON.stringify([clamped.diagnostics, free.diagnostics]));
  }
  const builder = clamped.objects.find(({ kind }) => kind === 'agent');
  expect(builder).toMatchObject({
    name: 'builder',
    line: 3,
    spec: { limits: { microUsd: 2_000_000 } },
  });
  expect(clamped.digest).not.toBe(free.digest);
});

test('a ceiling that only warns changes nothing', async () => {
  const loaded = await setup({
    policy: 'allow: true, ceilings: { attempt_usd: { max: 2, mode: warn } }',
  });

  expect(loaded).toMatchObject({
    ok: true,
    spec: { agents: { builder: { limits: { microUsd: 5_000_000 } } } },
    diagnostics: [{ severity: 'warning', code: 'policy_warning', line: 3 }],
  });
});

test("the shortest interval is the policy's: longer, shorter, and 5 minutes where it says nothing", async () => {
  const everyMinute = FILE.replace('*/10', '*/1');

  const longer = await setup({ policy: 'allow: true, ceilings: { schedule_interval: 30m }' });
  const shorter = await setup({ policy: localPolicy(), file: everyMinute });
  const silent = await setup({ policy: 'allow: true', file: everyMinute });

  const tooShort = { ok: false, diagnostics: [{ code: 'interval_too_short', line: 6 }] };
  expect(longer).toMatchObject(tooShort);
  expect(shorter).toMatchObject({ ok: true, diagnostics: [] });
  expect(silent).toMatchObject(tooShort);
});

test("what a file does not say comes from the policy's defaults", async () => {
  const loaded = await setup({ policy: 'allow: true, defaults: { mode: staged }' });

  expect(loaded).toMatchObject({ ok: true, spec: { mode: 'staged' } });
});

test('a file that is invalid of itself is not held against the policy', async () => {
  const loaded = await setup({
    policy: 'allow: false',
    file: 'version: 1\nagents: { bilder: {} }\n',
  });

  expect(loaded.ok).toBe(false);
  expect(loaded.diagnostics.map(({ code }) => code)).toEqual(['unknown_key']);
});
