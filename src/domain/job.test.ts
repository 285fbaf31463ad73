import { expect, test } from 'vitest';

import { succeed } from './job.ts';

const by = { kind: 'changes', actor: 'maria', from_job: 7 } as const;

test('a successor keeps the name of the schedule that began the chain, however often it is sent back', () => {
  const first = { kind: 'schedule', name: 'nightly', actor: 'autodev', line: 12 } as const;

  const second = succeed(first, by);
  const third = succeed(second, { ...by, kind: 'retry', from_job: 8 });

  expect(second).toEqual({ ...first, ...by, began_with: 'schedule' });
  expect(third).toMatchObject({ kind: 'retry', name: 'nightly', began_with: 'schedule' });
});

test('work that a person started by hand began with neither', () => {
  expect(succeed({ kind: 'manual', actor: 'maria' }, by)).toEqual({ ...by });
});
