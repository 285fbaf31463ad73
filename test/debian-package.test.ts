import { expect, test } from 'vitest';

import { installDebianPackage } from './debian-package.ts';

test('an ordinary user is told, and nothing is run', async () => {
  const ran: string[] = [];

  const refused = await installDebianPackage(
    { uid: 1000, run: record(ran, () => undefined) },
    'bubblewrap',
  );

  expect(refused).toContain('only root may install it');
  expect(ran).toEqual([]);
});

test('root without apt-get is told', async () => {
  const refused = await installDebianPackage(
    { uid: 0, run: record([], () => 'spawn apt-get ENOENT') },
    'bubblewrap',
  );

  expect(refused).toContain('on a system with apt-get');
});

test('root with apt-get gets the package', async () => {
  const ran: string[] = [];

  const refused = await installDebianPackage(
    { uid: 0, run: record(ran, () => undefined) },
    'bubblewrap',
  );

  expect(refused).toBeUndefined();
  expect(ran.at(-1)).toMatch(/^apt-get install -y .* bubblewrap$/);
});

test('where it cannot be downloaded, the lists are fetched and the reason is what apt-get said', async () => {
  const ran: string[] = [];

  const refused = await installDebianPackage(
    {
      uid: 0,
      run: record(ran, (line) =>
        line.includes('--version') ? undefined : 'E: Unable to locate package bubblewrap',
      ),
    },
    'bubblewrap',
  );

  expect(refused).toBe('E: Unable to locate package bubblewrap');
  expect(ran.filter((line) => line.startsWith('apt-get update'))).toHaveLength(1);
});

/** A `run` that writes down what it is asked and answers as told. */
function record(ran: string[], answer: (line: string) => string | undefined) {
  return (...argv: string[]): Promise<string | undefined> => {
    const line = argv.join(' ');
    ran.push(line);
    return Promise.resolve(answer(line));
  };
}
