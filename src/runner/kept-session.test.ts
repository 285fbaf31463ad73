import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import { expect, test as base } from 'vitest';

import { systemClock } from '../kernel/clock.ts';
import { codexProvider } from '../llm/codex.ts';
import { readSession } from './kept-session.ts';

const ID = '0199aaaa-0000-7000-8000-000000000001';
const provider = codexProvider({
  clock: systemClock,
  places: { given: undefined, searchPath: '', folders: [] },
});

/** A worker's home, and a secret beside it. */
const test = base.extend<{ home: string; write: (path: string, text: string) => string }>({
  home: async ({}, use) => {
    const folder = mkdtempSync(join(tmpdir(), 'home-'));
    mkdirSync(join(folder, 'home'));
    writeFileSync(join(folder, `secret-${ID}.jsonl`), 'secret');
    await use(join(folder, 'home'));
    rmSync(folder, { recursive: true });
  },
  write: async ({ home }, use) =>
    use((path, text) => {
      mkdirSync(dirname(join(home, path)), { recursive: true });
      writeFileSync(join(home, path), text);
      return join(home, path);
    }),
});

test('the one file of a session is taken from wherever its program put it', async ({
  home,
  write,
}) => {
  write(`.codex/sessions/2026/11/22/rollout-${ID}.jsonl`, 'said');
  write('.codex/sessions/2026/11/22/rollout-other.jsonl', 'other');

  const session = await readSession(provider, { home, sessionId: ID });

  expect(session?.path).toBe(`.codex/sessions/2026/11/22/rollout-${ID}.jsonl`);
  expect(gunzipSync(session?.content ?? '').toString()).toBe('said');
});

test('no link leads out of the home, whatever of the path it stands for', async ({
  home,
  write,
}) => {
  const secret = join(home, '..', `secret-${ID}.jsonl`);
  write('.codex/sessions/a', '');
  symlinkSync(secret, join(home, '.codex/sessions', `rollout-${ID}.jsonl`));
  symlinkSync(join(home, '..'), join(home, '.codex/sessions/up'));

  expect(await readSession(provider, { home, sessionId: ID })).toBeUndefined();

  rmSync(join(home, '.codex'), { recursive: true });
  symlinkSync(join(home, '..'), join(home, '.codex'));
  mkdirSync(join(home, '..', 'sessions'));
  writeFileSync(join(home, '..', 'sessions', `x-${ID}.jsonl`), 'secret');

  expect(await readSession(provider, { home, sessionId: ID })).toBeUndefined();
});

test('a second name of a file, a file that is too large, and a name that is a flag are refused', async ({
  home,
  write,
}) => {
  write('.codex/sessions/a', '');
  linkSync(join(home, '..', `secret-${ID}.jsonl`), join(home, `.codex/sessions/x-${ID}.jsonl`));

  expect(await readSession(provider, { home, sessionId: ID })).toBeUndefined();

  write('.codex/sessions/x---full-auto.jsonl', 'said');

  expect(await readSession(provider, { home, sessionId: '--full-auto' })).toBeUndefined();

  const large = ID.replace('1', '2');
  write(`.codex/sessions/x-${large}.jsonl`, 'x'.repeat(16 * 1024 * 1024 + 1));

  expect(await readSession(provider, { home, sessionId: large })).toBeUndefined();
});
