import { expect, test } from 'vitest';

import type { EndReason } from '../domain/end-reason.ts';
import { codexParser } from './codex-parser.ts';
import { fixedClock, NOW, readRecordings, type Replay, replay } from './recorded-fixture.ts';
import { NO_TOKENS } from './usage-since.ts';

const CALL = { input: 300, cachedInput: 800, cacheWrite: 100, output: 45, reasoning: 12 };
const TWO_CALLS = { input: 600, cachedInput: 1600, cacheWrite: 200, output: 90, reasoning: 24 };

/** Of each recording: how it came out (`done`, or the reason), a part of what people are told, and what was used. */
const CASES: Readonly<
  Record<string, readonly [outcome: 'done' | EndReason, told?: string, used?: typeof CALL]>
> = {
  '400ctx': ['context_overflow', 'ran out of room'],
  '401': ['provider_auth', 'Incorrect API key'],
  '429': ['rate_limited', 'last status: 429'],
  '429-noretry': ['rate_limited', 'last status: 429'],
  '429once': ['done', '', CALL],
  '500-noretry': ['provider_overloaded', 'high demand'],
  '503-noretry': ['provider_overloaded', 'at capacity'],
  answer: ['done', '', CALL],
  badflag: ['provider_error', "unexpected argument '--nope'"],
  'cut-noretry': ['provider_overloaded', 'stream disconnected'],
  'developer-instructions': ['done', '', CALL],
  'hang-idle': ['provider_overloaded', 'idle timeout'],
  'mcp-broken-required': ['provider_error', 'required MCP servers failed'],
  nokey: ['provider_auth', 'Missing environment variable'],
  quota: ['provider_auth', 'Quota exceeded'],
  'refused-bounded': ['provider_overloaded', 'Connection failed'],
  resume: ['done', '', CALL],
  'resume-unknown': ['provider_error', 'no rollout found'],
  sigKILL: ['crashed', 'ended with code 137'],
  sigTERM: ['crashed', 'ended with code 143'],
  'sse-rate': ['rate_limited', 'try again in 3.1s'],
  tool: ['done', '', TWO_CALLS],
  'tool-readonly': ['done', '', TWO_CALLS],
  'tool-workspace-write': ['done', '', TWO_CALLS],
  usage: ['done', '', CALL],
  'usage-limit': ['rate_limited', 'hit your usage limit'],
};

const DONE = { reason: 'done', detail: '' };

const recordings = readRecordings('codex');

function replayed(name: string): Replay {
  const recording = recordings.find((each) => each.name === name);
  if (recording === undefined) {
    throw new Error(`no recording ${name}`);
  }
  // The recorded resume went on from two calls.
  const used = name === 'resume' ? TWO_CALLS : undefined;
  return replay(codexParser({ clock: fixedClock }, { model: 'gpt-5.4', used }), recording);
}

test('each recording has its row here', () => {
  expect(recordings.map(({ name }) => name).toSorted()).toEqual(Object.keys(CASES).toSorted());
});

test.for(Object.entries(CASES))('codex: %s', ([name, [outcome, told = '', used = NO_TOKENS]]) => {
  const { verdict, used: found, events } = replayed(name);

  const { reason, detail } = verdict.type === 'done' ? DONE : verdict;
  expect(reason).toBe(outcome);
  expect(detail).toContain(told);
  expect(found).toEqual(used);
  expect(events.filter(({ type }) => type === 'done' || type === 'failed')).toEqual([]);
});

test('a limit says when it ends, where Codex does', () => {
  expect(replayed('usage-limit').verdict).toMatchObject({
    freeAt: Date.parse('2026-11-22T16:29:00Z'),
  });
  expect(replayed('sse-rate').verdict).toMatchObject({ freeAt: NOW.getTime() + 3100 });
  expect(replayed('429').verdict).not.toHaveProperty('freeAt');
  expect(replayed('usage-limit').events).toContainEqual({
    type: 'rateLimited',
    until: Date.parse('2026-11-22T16:29:00Z'),
    hard: true,
  });
});

test('what it overcomes by itself is told and is no failure', () => {
  const { events } = replayed('429once');

  expect(events.map(({ type }) => type)).toEqual([
    'started',
    'warning',
    'retrying',
    'rateLimited',
    'text',
    'usage',
  ]);
});

test('a session is named, and one that is gone is said to be', () => {
  expect(replayed('answer').events[0]).toEqual({
    type: 'started',
    sessionId: '00000000-0000-4000-8000-000000000001',
    model: 'gpt-5.4',
  });
  expect(replayed('resume-unknown').verdict).toMatchObject({ sessionLost: true });
  expect(replayed('badflag').verdict).not.toHaveProperty('sessionLost');
});

test('a call of a tool has its begin and its end', () => {
  expect(replayed('tool').events.filter(({ type }) => type === 'tool')).toEqual([
    {
      type: 'tool',
      phase: 'began',
      id: 'item_1',
      name: 'command_execution',
      detail: expect.stringContaining('> note.txt'),
    },
    { type: 'tool', phase: 'ended', id: 'item_1', name: 'command_execution', outcome: 'ok' },
  ]);
});
