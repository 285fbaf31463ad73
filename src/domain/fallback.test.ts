import { expect, test } from 'vitest';

import { chooseProvider } from './fallback.ts';
import type { ProviderSpec } from './spec.ts';

const codex: ProviderSpec = { name: 'codex' };
const claude: ProviderSpec = { name: 'claude' };
const command: ProviderSpec = { name: 'command', run: ['true'] };
const at = { neverDowngrade: false, now: 100 };

test('the first that works is used, in the order of the list', () => {
  const credentials = { codex: { state: 'ok' }, claude: { state: 'ok' } } as const;

  expect(chooseProvider([claude, codex], credentials, at)).toEqual({
    choice: 'use',
    provider: claude,
    fallback: false,
  });
});

test('a provider that cools down is passed over, and used again when it is free', () => {
  const credentials = {
    codex: { state: 'throttled', until: 200 },
    claude: { state: 'ok' },
  } as const;

  expect(chooseProvider([codex, claude], credentials, at)).toMatchObject({
    provider: claude,
    fallback: true,
  });
  expect(chooseProvider([codex, claude], credentials, { ...at, now: 200 })).toMatchObject({
    provider: codex,
    fallback: false,
  });
});

test('an agent that is never downgraded waits instead', () => {
  const credentials = {
    codex: { state: 'exhausted', until: 200 },
    claude: { state: 'ok' },
  } as const;

  expect(chooseProvider([codex, claude], credentials, { ...at, neverDowngrade: true })).toEqual({
    choice: 'cooldown',
    until: 200,
  });
});

test('when all cool down the earliest counts', () => {
  const credentials = {
    codex: { state: 'throttled', until: 300 },
    claude: { state: 'exhausted', until: 200 },
  } as const;

  expect(chooseProvider([codex, claude], credentials, at)).toEqual({
    choice: 'cooldown',
    until: 200,
  });
});

test('when none can work it says what is missing', () => {
  expect(chooseProvider([codex, claude], { codex: { state: 'auth_error' } }, at)).toEqual({
    choice: 'none',
    reason: 'The credential of codex was refused, there is no credential for claude.',
  });
  expect(chooseProvider([], {}, at)).toMatchObject({ choice: 'none' });
});

test('a command needs no credential', () => {
  expect(chooseProvider([command], {}, at)).toMatchObject({ choice: 'use' });
});
