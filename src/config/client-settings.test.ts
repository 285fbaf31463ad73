import { expect, test } from 'vitest';

import { readClientSettings } from './client-settings.ts';
import { readSettings } from './settings.ts';

const readFile = (path: string): string => `content of ${path}\n`;

test('what a client reads is what a server would read', () => {
  const env = {
    AUTODEV_DATA: '/d',
    AUTODEV_URL: 'http://h:1',
    AUTODEV_TOKEN_FILE: '/t',
    PATH: '/',
  };

  const client = readClientSettings(env, { readFile });

  expect(client).toEqual({
    AUTODEV_DATA: '/d',
    AUTODEV_URL: 'http://h:1',
    AUTODEV_TOKEN: 'content of /t',
  });
  expect(readSettings(env, { readFile })).toMatchObject(client);
});

test('an empty variable is an unset one', () => {
  expect(readClientSettings({ AUTODEV_URL: '' }, { readFile })).toEqual({});
});

test('a variable that is wrong for a server only does not matter to a client', () => {
  expect(readClientSettings({ DATABASE_URL: 'nonsense' }, { readFile })).toEqual({});
});

test('a variable given twice, and a URL that is none, are refused', () => {
  const twice = { AUTODEV_TOKEN: 'a', AUTODEV_TOKEN_FILE: '/t' };

  expect(() => readClientSettings(twice, { readFile })).toThrow('both set');
  expect(() => readClientSettings({ AUTODEV_URL: 'nonsense' }, { readFile })).toThrow(
    'AUTODEV_URL is not valid',
  );
});

test('a secret that cannot be read names its variable', () => {
  const failing = (): string => {
    throw new Error('EACCES');
  };

  expect(() => readClientSettings({ AUTODEV_TOKEN_FILE: '/t' }, { readFile: failing })).toThrow(
    'AUTODEV_TOKEN_FILE: /t cannot be read',
  );
});
