import { expect, test } from 'vitest';

import { loadPolicy } from './policy.ts';
import { repoLimits } from './repo-limits.ts';

function limitsOf(text: string, repo: string) {
  const loaded = loadPolicy(`version: 1\n${text}`);
  if (!loaded.ok) {
    throw new Error(loaded.diagnostics[0]?.message);
  }
  return repoLimits(loaded.policy, repo);
}

test('without a word of the policy four jobs run, and half of the objects or three may go', () => {
  expect(limitsOf('', 'a')).toEqual({ concurrency: 4, prune: { share: 0.5, count: 3 } });
});

test('a rule says otherwise for its repositories, the policy as a whole for all others', () => {
  const text = `
concurrency: { repo: 6 }
rules:
  - { repos: ['**'], prune: { share: 25%, count: 1 } }
  - { repos: ['research/**'], concurrency: 2, prune: { count: 0 } }
`;

  expect(limitsOf(text, 'app')).toEqual({ concurrency: 6, prune: { share: 0.25, count: 1 } });
  expect(limitsOf(text, 'research/x')).toEqual({
    concurrency: 2,
    prune: { share: 0.25, count: 0 },
  });
});
