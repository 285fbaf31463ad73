import { expect } from 'vitest';

import { runJob, untilInForce, untilJob } from './follow-jobs.ts';
import { sandboxArgs } from './instance.ts';
import { test } from './machine-test.ts';
import { CHANGE, obedientFiles } from './obedient-repository.ts';

const FILES = 4000;

test('a job on a repository of 4,000 files goes from its task to the merge', async ({
  machine,
  instances,
}) => {
  const modules = Array.from({ length: FILES }, (_, n) => [
    `packages/p${n % 80}/module-${n}.js`,
    `export const answer${n} = ${n};\n`.repeat(20),
  ]);
  const repo = await machine.repository('large', {
    ...Object.fromEntries(modules),
    ...obedientFiles(),
  });
  const instance = await instances({ args: ['--repo', repo, ...sandboxArgs()] });
  await untilInForce(instance, 'large');

  const { id } = await runJob(instance, 'large', CHANGE);
  const reviewed = await untilJob(instance, id, ['review']);
  const approved = await instance.cli('approve', id);
  const merged = await untilJob(instance, id, ['succeeded']);

  expect(reviewed.attempts).toBe(1);
  expect(approved).toMatchObject({ code: 0 });
  expect(merged.merge_request).toMatchObject({ state: 'merged' });
  expect(await machine.git(repo, 'show', 'main:src/one.txt')).toBe('one\ntwo');
  expect(await machine.git(repo, 'diff', '--name-only', 'main^1', 'main')).toBe('src/one.txt');
  expect(await machine.git(repo, 'status', '--porcelain')).toBe('');
});
