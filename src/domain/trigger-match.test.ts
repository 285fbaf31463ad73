import { expect, test } from 'vitest';

import type { HappenedEvent } from './trigger-match.ts';
import { matchTrigger } from './trigger-match.ts';

const labelled: HappenedEvent = {
  type: 'issue_labeled',
  role: 'developer',
  actor: 'maria',
  labels: ['autodev', 'bug'],
  paths: [],
  values: {},
};
const trigger = {
  enabled: true,
  events: ['issue_labeled'],
  where: { label: 'autodev' },
  from: 'developer',
} as const;
const matches = (glob: string, text: string): boolean => glob === text || glob === '**';

test('an act of somebody who may start it starts it', () => {
  expect(matchTrigger(trigger, labelled, matches)).toBeUndefined();
});

test.each([
  ['disabled', { ...trigger, enabled: false }, labelled],
  ['other_event', { ...trigger, events: ['push' as const] }, labelled],
  ['role_too_low', { ...trigger, from: 'maintainer' as const }, labelled],
  ['role_too_low', trigger, { ...labelled, role: 'autodev' as const }],
  ['where', { ...trigger, where: { label: 'design' } }, labelled],
  ['where', { ...trigger, where: { unknown: 'x' } }, labelled],
  ['where', { ...trigger, where: { ref: ['main'] } }, labelled],
] as const)('it does not start: %s', (why, spec, event) => {
  expect(matchTrigger(spec, event, matches)).toBe(why);
});

test('our own acts count where the trigger says so, and there people count as well', () => {
  const ours = { ...trigger, from: 'autodev' } as const;

  expect(matchTrigger(ours, { ...labelled, role: 'autodev' }, matches)).toBeUndefined();
  expect(matchTrigger(ours, labelled, matches)).toBeUndefined();
});

test('of a list any value is enough, and every line must hold', () => {
  const spec = { ...trigger, where: { label: ['x', 'bug'], author: 'maria' } };

  expect(matchTrigger(spec, labelled, matches)).toBeUndefined();
  expect(matchTrigger(spec, { ...labelled, actor: 'jo' }, matches)).toBe('where');
});
