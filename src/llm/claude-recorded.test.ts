import { expect, test } from 'vitest';

import type { EndReason } from '../domain/end-reason.ts';
import { claudeParser } from './claude-parser.ts';
import { fixedClock, readRecordings, type Replay, replay } from './recorded-fixture.ts';
import { NO_TOKENS } from './usage-since.ts';

const CALL = { input: 300, cachedInput: 800, cacheWrite: 100, output: 45, reasoning: 0 };
const THREE_CALLS = { input: 900, cachedInput: 2400, cacheWrite: 300, output: 135, reasoning: 0 };

/** Of each recording: how it came out (`done`, or the reason), a part of what people are told, and what was used. */
const CASES: Readonly<
  Record<string, readonly [outcome: 'done' | EndReason, told?: string, used?: typeof CALL]>
> = {
  '400ctx': ['context_overflow', 'Prompt is too long'],
  '401': ['provider_auth', 'Invalid API key'],
  '429': ['rate_limited', 'rejected (429)'],
  '429-noretry': ['rate_limited', 'rejected (429)'],
  '429once': ['done', '', CALL],
  '500-noretry': ['provider_overloaded', '500 Internal server error'],
  '529-noretry': ['provider_overloaded', '529 Overloaded'],
  answer: ['done', '', CALL],
  badflag: ['provider_error', "unknown option '--nope'"],
  'cut-noretry': ['provider_overloaded', 'was lost', { ...CALL, output: 2 }],
  'max-budget': ['budget', 'maximum budget', THREE_CALLS],
  'max-turns': ['limit_turns', 'maximum number of turns', THREE_CALLS],
  'mcp-broken': ['done', '', CALL],
  nokey: ['provider_auth', 'Not logged in'],
  'oauth-429': ['rate_limited', 'temporarily limiting'],
  'oauth-usage-limit': ['rate_limited', 'hit your limit'],
  'refused-noretry': ['provider_overloaded', 'Connection refused'],
  resume: ['done', '', CALL],
  'resume-unknown': ['provider_error', 'No conversation found'],
  'root-bypass-refused': ['provider_error', 'root/sudo'],
  sigINT: ['crashed', '', CALL],
  sigKILL: ['crashed', 'ended with code 137'],
  sigTERM: ['crashed', 'ended with code 143'],
  'tool-accept-edits': ['done', '', THREE_CALLS],
  // It exits with 0 and says "I edited note.txt.", which it was not permitted to.
  'tool-default-denied': ['denied', 'each of its 2 tool calls failed or was denied', THREE_CALLS],
  'tool-dontAsk': ['done', '', THREE_CALLS],
  'usage-limit': ['rate_limited', 'exceed your account'],
  'usage-report': ['done', '', CALL],
};

const DONE = { reason: 'done', detail: '' };

const recordings = readRecordings('claude');

function replayed(name: string): Replay {
  const recording = recordings.find((each) => each.name === name);
  if (recording === undefined) {
    throw new Error(`no recording ${name}`);
  }
  return replay(claudeParser({ clock: fixedClock }), recording);
}

test('each recording has its row here', () => {
  expect(recordings.map(({ name }) => name).toSorted()).toEqual(Object.keys(CASES).toSorted());
});

test.for(Object.entries(CASES))('claude: %s', ([name, [outcome, told = '', used = NO_TOKENS]]) => {
  const { verdict, used: found, events } = replayed(name);

  const { reason, detail } = verdict.type === 'done' ? DONE : verdict;
  expect(reason).toBe(outcome);
  expect(detail).toContain(told);
  expect(found).toEqual(used);
  expect(events.filter(({ type }) => type === 'done' || type === 'failed')).toEqual([]);
});

test('a usage limit says when it ends, a passing one does not', () => {
  const until = 1_795_365_269_000;

  expect(replayed('oauth-usage-limit').verdict).toMatchObject({ freeAt: until });
  expect(replayed('oauth-usage-limit').events).toContainEqual({
    type: 'rateLimited',
    until,
    hard: true,
  });
  for (const name of ['oauth-429', '429', 'usage-limit']) {
    expect(replayed(name).verdict).not.toHaveProperty('freeAt');
  }
});

test('what it overcomes by itself is told and is no failure', () => {
  const { events } = replayed('429once');

  expect(events.map(({ type }) => type)).toEqual([
    'started',
    'retrying',
    'rateLimited',
    'text',
    'usage',
  ]);
});

test('a session is named, and one that is gone is said to be', () => {
  expect(replayed('answer').events[0]).toEqual({
    type: 'started',
    sessionId: '00000000-0000-4000-8000-000000000044',
    model: 'claude-sonnet-4-5',
  });
  expect(replayed('resume-unknown').verdict).toMatchObject({ sessionLost: true });
});

test('a tool server that did not start is a warning', () => {
  expect(replayed('mcp-broken').events).toContainEqual({
    type: 'warning',
    text: 'The tool server bad could not be started.',
  });
});

test('a call of a tool has its begin and its end, also one that is not permitted', () => {
  const ended = replayed('tool-default-denied').events.filter(
    (event) => event.type === 'tool' && event.phase === 'ended',
  );

  expect(ended).toEqual([
    { type: 'tool', phase: 'ended', id: 'toolu_8', name: 'Write', outcome: 'denied' },
    { type: 'tool', phase: 'ended', id: 'toolu_10', name: 'Bash', outcome: 'failed' },
  ]);
});
