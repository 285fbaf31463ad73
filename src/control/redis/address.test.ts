import { expect, test } from 'vitest';

import { readRedisUrl } from './address.ts';

test.for([
  ['redis://cache', { host: 'cache', port: 6379, tls: false, name: 'cache:6379' }],
  ['redis://cache:6380/0', { port: 6380, name: 'cache:6380' }],
  ['rediss://cache.example.org', { tls: true, name: 'cache.example.org:6379' }],
  ['redis://[::1]:7000', { host: '::1', port: 7000, name: '[::1]:7000' }],
  ['redis://ann:p%40ss%2Fw@cache', { username: 'ann', password: 'p@ss/w', name: 'cache:6379' }],
  ['redis://:secret@cache', { username: undefined, password: 'secret' }],
] as const)('%s is understood', ([url, address]) => {
  expect(readRedisUrl(url)).toMatchObject(address);
});

test.for([
  'cache:6379',
  'http://cache',
  'redis://',
  'redis:///var/run/redis.sock',
  'redis://cache/words',
  'redis://cache?password=s3cret',
  'redis://ann:%E0%A4%A@s3cret',
  'redis://s3cret:99999',
])('%s is refused without being shown', (url) => {
  const reading = () => readRedisUrl(url);

  expect(reading).toThrow(expect.objectContaining({ code: 'SETTINGS_INVALID' }));
  expect(reading).toThrow(
    expect.not.objectContaining({ message: expect.stringContaining('s3cret') }),
  );
});
