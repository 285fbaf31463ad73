import { expect, test } from 'vitest';

import { listSettings, readSettings } from './settings.ts';

const readFile = (file: string): string => {
  if (file === '/run/secrets/key') {
    return 'secret-from-file\n';
  }
  throw new Error('no such file');
};

test('an empty environment is one machine with its defaults', () => {
  const settings = readSettings({ PATH: '/bin' }, { readFile });

  expect(settings).toMatchObject({
    AUTODEV_HOST: '127.0.0.1',
    AUTODEV_PORT: 8080,
    AUTODEV_SANDBOX: 'auto',
    LOG_LEVEL: 'info',
    unknown: [],
  });
  expect(settings).not.toHaveProperty('PATH');
});

test('any variable may come from a file, which is told', () => {
  const settings = readSettings({ OPENAI_API_KEY_FILE: '/run/secrets/key' }, { readFile });

  expect(settings.OPENAI_API_KEY).toBe('secret-from-file');
  expect([...settings.files]).toEqual([['OPENAI_API_KEY', '/run/secrets/key']]);
});

test.each([
  [{ AUTODEV_PORT: 'eighty' }, /AUTODEV_PORT is not valid/],
  [{ AUTODEV_PORT: '70000' }, /AUTODEV_PORT/],
  [{ DATABASE_URL: 'localhost' }, /DATABASE_URL/],
  [{ LOG_LEVEL: 'loud', AUTODEV_SANDBOX: 'none' }, /AUTODEV_SANDBOX.*LOG_LEVEL/],
  [{ GITLAB_TOKEN: 'x', GITLAB_TOKEN_FILE: '/run/secrets/key' }, /GITLAB_TOKEN_FILE are both/],
  [{ GITLAB_TOKEN_FILE: '/gone' }, /GITLAB_TOKEN_FILE: \/gone cannot be read/],
  [{ GITLAB_WEBHOOK_SECRET: 'a', GITLAB_WEBHOOK_SIGNING_TOKEN: 'b' }, /are both set/],
  [{ GITLAB_URL: 'https://gitlab.example.org', AUTODEV_SANDBOX: 'auto' }, /AUTODEV_SANDBOX=auto/],
])('%j is refused by name', (env, message) => {
  expect(() => readSettings(env, { readFile })).toThrow(message);
});

test('a refusal never shows a value that may be secret', () => {
  const reading = () => readSettings({ DATABASE_URL: 'hunter2' }, { readFile });

  expect(reading).toThrow(
    expect.not.objectContaining({ message: expect.stringContaining('hunter2') }),
  );
});

test('with GitLab the sandbox is strict', () => {
  const settings = readSettings({ GITLAB_URL: 'https://gitlab.example.org' }, { readFile });

  expect(settings.AUTODEV_SANDBOX).toBe('strict');
});

test('an empty variable is an unset one, and a mistyped one is named', () => {
  const settings = readSettings(
    { REDIS_URL: '', AUTODEV_PROT: '1', AUTODEV_TASK_FILE: '/x' },
    { readFile },
  );

  expect(settings.REDIS_URL).toBeUndefined();
  expect(settings.unknown).toEqual(['AUTODEV_PROT (did you mean AUTODEV_PORT?)']);
});

test('every variable is described', () => {
  expect(listSettings().filter(({ description }) => description === '')).toEqual([]);
});
