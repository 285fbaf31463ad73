import { expect, test } from 'vitest';

import { loadConfig } from './load.ts';

const VALID = 'version: 1\nagents: { pm: {} }\nschedules:\n  n: { agent: pm, cron: "0 2 * * *" }\n';
const readFile = async (): Promise<undefined> => undefined;

test('a byte order mark and CRLF are read as if they were not there', async () => {
  const plain = await loadConfig(VALID, { readFile });

  const windows = await loadConfig(Buffer.from(`\uFEFF${VALID.replaceAll('\n', '\r\n')}`), {
    readFile,
  });

  expect(windows).toMatchObject({ ok: true, digest: plain.ok && plain.digest });
  expect(windows.diagnostics).toEqual(plain.diagnostics);
});

test('bytes that are no UTF-8 are refused', async () => {
  const latin1 = Buffer.concat([Buffer.from(VALID), Buffer.from([0x23, 0xe4, 0x0a])]);

  const loaded = await loadConfig(latin1, { readFile });

  expect(loaded).toMatchObject({ ok: false, diagnostics: [{ code: 'invalid_encoding' }] });
});

test.each([
  ['300 KiB of comment', 'too_large', `# ${'x'.repeat(300 * 1024)}\n${VALID}`],
  ['20,000 open brackets', 'too_deep', `a: ${'['.repeat(20_000)}`],
  ['20,000 brackets, closed', 'too_deep', `a: ${'['.repeat(20_000)}${']'.repeat(20_000)}`],
  ['brackets whose closing is faked in quotes', 'too_deep', `a: ${'["]", '.repeat(5000)}`],
  ['20,000 mappings', 'too_deep', `a: ${'{a: '.repeat(20_000)}`],
  ['20,000 list entries on one line', 'too_deep', `a:\n  ${'- '.repeat(20_000)}x`],
  ['20,000 question marks', 'too_deep', '? '.repeat(20_000)],
  [
    '600 levels of indentation',
    'too_deep',
    Array.from({ length: 600 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'),
  ],
  ['a list of 120,000 numbers', 'too_large', `a: [${'1,'.repeat(120_000)}1]`],
])('%s is refused as %s in no time', async (_, code, text) => {
  const started = performance.now();

  const loaded = await loadConfig(text, { readFile });

  expect(loaded.diagnostics.map((diagnostic) => diagnostic.code)).toEqual([code]);
  // A bound for what is quadratic: seconds without the checks, a few ms with them.
  expect(performance.now() - started).toBeLessThan(250);
});

test('9,000 keys, none of them known, do not keep the reader busy', async () => {
  const text = Array.from({ length: 9000 }, (_, i) => `key${i}: 1`).join('\n');

  const loaded = await loadConfig(text, { readFile });

  expect(loaded.ok).toBe(false);
  expect(loaded.diagnostics.length).toBeLessThanOrEqual(100);
});

test('brackets in a text are no nesting', async () => {
  const task = `${'['.repeat(40)} and ${'{'.repeat(40)}`;

  const loaded = await loadConfig(`${VALID.trimEnd().slice(0, -2)}, task: "${task}" }\n`, {
    readFile,
  });

  expect(loaded).toMatchObject({ ok: true });
});

test('an alias that stays within its limit is accepted and located', async () => {
  const loaded = await loadConfig(
    'version: 1\nagents:\n  pm: &same { concurrency: 0 }\n  tester: *same\n',
    { readFile },
  );

  expect(loaded.diagnostics.map(({ path, line }) => [path, line])).toEqual([
    ['agents.pm.concurrency', 3],
    ['agents.tester.concurrency', 3],
  ]);
});

test('what reading a named file throws passes through: it is not an absent file', async () => {
  const unreadable = (): Promise<undefined> => Promise.reject(new Error('the server is down'));

  const loading = loadConfig('version: 1\nagents: { pm: { instructions: { file: a.md } } }\n', {
    readFile: unreadable,
  });

  await expect(loading).rejects.toThrow('the server is down');
});
