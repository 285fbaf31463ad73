import { expect, test } from 'vitest';

import { sandboxCondition } from './sandbox-state.ts';

const boxed = { mode: 'auto', protected: true };

test('without an active runner nothing is known', () => {
  expect(sandboxCondition([])).toBeUndefined();
});

test('when every worker is in a box, it is strict however it was asked for', () => {
  expect(sandboxCondition([boxed, { mode: 'strict', protected: true }])).toMatchObject({
    status: 'True',
    reason: 'Strict',
  });
});

test.each([
  ['auto', 'Degraded'],
  ['off', 'Off'],
  ['strict', 'ProbeFailed'],
])('one runner in mode %s without a box makes it %s, and says why', (mode, reason) => {
  const condition = sandboxCondition([
    boxed,
    { mode, protected: false, reason: 'bwrap is missing' },
  ]);

  expect(condition).toMatchObject({
    type: 'SandboxAvailable',
    status: 'False',
    reason,
    message: 'Workers are not kept in a box: bwrap is missing',
  });
});
