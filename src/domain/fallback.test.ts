import { assert, nat, property, string } from 'fast-check';
import { expect, test } from 'vitest';

import { afterCooldown, chooseProvider, type CredentialState } from './fallback.ts';
import type { ProviderName, ProviderSpec } from './spec.ts';

const codex: ProviderSpec = { name: 'codex' };
const claude: ProviderSpec = { name: 'claude' };
const at = { neverDowngrade: false, now: 100 };

/** What has no state is not here. */
function states(known: Readonly<Partial<Record<ProviderName, CredentialState>>>) {
  return ({ name }: ProviderSpec): CredentialState => known[name] ?? { state: 'missing' };
}

test('the first that works is used, in the order of the list', () => {
  const both = states({ codex: { state: 'ok' }, claude: { state: 'ok' } });

  expect(chooseProvider([claude, codex], both, at)).toEqual({
    choice: 'use',
    provider: claude,
    fallback: false,
  });
});

test('a provider that cools down is passed over, and used again when it is free', () => {
  const cooling = states({ codex: { state: 'throttled', until: 200 }, claude: { state: 'ok' } });

  expect(chooseProvider([codex, claude], cooling, at)).toMatchObject({
    provider: claude,
    fallback: true,
  });
  expect(chooseProvider([codex, claude], cooling, { ...at, now: 200 })).toMatchObject({
    provider: codex,
    fallback: false,
  });
});

test('an agent that is never downgraded waits instead', () => {
  const cooling = states({ codex: { state: 'exhausted', until: 200 }, claude: { state: 'ok' } });

  expect(chooseProvider([codex, claude], cooling, { ...at, neverDowngrade: true })).toEqual({
    choice: 'cooldown',
    until: 200,
  });
});

test('when all cool down the earliest counts', () => {
  const cooling = states({
    codex: { state: 'throttled', until: 300 },
    claude: { state: 'exhausted', until: 200 },
  });

  expect(chooseProvider([codex, claude], cooling, at)).toEqual({ choice: 'cooldown', until: 200 });
});

test('when none can work it says what is missing', () => {
  expect(chooseProvider([codex, claude], states({ codex: { state: 'auth_error' } }), at)).toEqual({
    choice: 'none',
    refused: true,
    reason:
      'The credential of codex was refused, no runner here has claude (its program, or its key).',
  });
  expect(chooseProvider([], states({}), at)).toMatchObject({ choice: 'none', refused: false });
});

test('jobs come back after a cooldown and never before, spread by at most half a minute', () => {
  assert(
    property(nat(), nat(), string(), (now, wait, seed) => {
      const wakeAt = afterCooldown(now + wait, { now, seed });

      expect(wakeAt).toBeGreaterThanOrEqual(now + wait);
      expect(wakeAt).toBeLessThanOrEqual(now + wait + Math.min(30_000, wait * 0.1 + 1));
    }),
  );
});
