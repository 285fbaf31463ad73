import { expect, test } from 'vitest';

import { JOB_STATES, WAIT_REASONS } from './job-state.ts';
import { POLICY_ACTOR } from './policy-actor.ts';
import { WHY_CODES, type HoldFact, type JobFacts, type LaneFacts } from './why-facts.ts';
import { explainJob, explainLane } from './why.ts';

const NOW = 1_000_000;

function lane(change: Partial<LaneFacts> = {}): LaneFacts {
  return {
    repo: 'group/shop',
    agent: 'builder',
    now: NOW,
    source: { readable: true },
    config: { state: 'valid', lastGood: true },
    listed: true,
    holds: [],
    sandbox: { available: true },
    runners: { live: 1 },
    slots: { lane: { running: 0, most: 2 }, repo: { running: 0, most: 4 } },
    queued: 0,
    waiting: [],
    schedules: [],
    triggers: [{ name: 'build-labelled', events: ['issue_labeled'], spent: false }],
    handOffs: [],
    ...change,
  };
}

function job(change: Partial<JobFacts> = {}): JobFacts {
  return { id: 'j_7', state: 'queued', ahead: 0, lane: lane(), ...change };
}

const hold = (kind: HoldFact['kind']): Partial<LaneFacts> => ({
  holds: [{ kind, reason: 'Because.', actor: 'ann', until: NOW + 192_000 }],
});

const full = { running: 2, most: 2 };
const free = { running: 0, most: 4 };

const laneCases: [code: string, facts: Partial<LaneFacts>, part: RegExp][] = [
  ['source_unreadable', { source: { readable: false, message: '503.' } }, /503/u],
  ['no_config', { config: { state: 'missing', lastGood: false } }, /no autodev\.yaml/u],
  [
    'config_invalid',
    { config: { state: 'invalid', lastGood: true, message: 'Line 3.' } },
    /Line 3\. The last good one/u,
  ],
  [
    'config_unreviewed',
    { config: { state: 'unreviewed', lastGood: false } },
    /Nothing is in force/u,
  ],
  ['agent_not_listed', { listed: false }, /does not list builder/u],
  ['sandbox_unavailable', { sandbox: { available: false, message: 'No bwrap.' } }, /No bwrap/u],
  ['runner_full', { runners: { live: 1, full: 'The disk is at 90 %.' } }, /90 %/u],
  ['no_runner', { runners: { live: 0 } }, /No live runner/u],
  ['hold_paused', hold('paused'), /held by ann \(paused, ends in 3 m 12 s\): Because\./u],
  ['hold_suspended', hold('suspended'), /suspended/u],
  ['hold_disabled', hold('disabled'), /disabled/u],
  ['hold_removed', hold('removed'), /removed/u],
  ['hold_breaker', hold('breaker'), /breaker/u],
  ['hold_merge_requests', hold('merge_requests'), /merge requests/u],
  ['hold_bypassed', hold('bypassed'), /bypassed/u],
  ['hold_no_runner', { ...hold('no_runner'), runners: { live: 0 } }, /no runner/u],
  ['lane_limit', { slots: { lane: full, repo: free } }, /builder on group\/shop may run 2/u],
  ['repo_limit', { slots: { lane: free, repo: full } }, /group\/shop may run 2/u],
  ['fleet_limit', { slots: { lane: free, repo: free, fleet: full } }, /the fleet may run 2/u],
  ['running', { slots: { lane: { running: 1, most: 2 }, repo: free } }, /1 job is running/u],
  ['queued_next', { queued: 2 }, /2 jobs are queued/u],
  ['no_source_of_work', { triggers: [] }, /Nothing starts builder/u],
  ['waits_for_event', {}, /an event of `build-labelled` \(issue_labeled\)/u],
  [
    'waits_for_hand_off',
    { handOffs: ['bug-finder'] },
    /^It is started by hand-offs of bug-finder/u,
  ],
  [
    'trigger_spent',
    { triggers: [{ name: 'first', events: ['first_start'], spent: true }] },
    /^Its trigger `first` \(first_start\) has fired, once per repository\.$/u,
  ],
  ['not_due', { schedules: [{ name: 'nightly', nextAt: NOW + 3_600_000 }] }, /in 1 h/u],
  ['schedule_ended', { schedules: [{ name: 'nightly' }] }, /has ended/u],
  [
    'schedule_skipped',
    { schedules: [{ name: 'n', nextAt: NOW + 1, lastSkip: { at: 0, reason: 'unchanged' } }] },
    /No path of `when\.changed`/u,
  ],
  ...WAIT_REASONS.map((reason): [string, Partial<LaneFacts>, RegExp] => [
    `waiting_${reason}`,
    { waiting: [{ reason, count: 3, wakeAt: NOW + 192_000 }] },
    /^3 jobs wait for .*, in 3 m 12 s\./u,
  ]),
];

test.each(laneCases)('a lane explains %s', (code, facts, part) => {
  const found = explainLane(lane(facts)).find((reason) => reason.code === code);

  expect(found?.sentence).toMatch(part);
});

test('a lane at ease has one reason and no remedy', () => {
  expect(explainLane(lane())).toEqual([
    {
      code: 'waits_for_event',
      sentence: 'It has no job and waits for an event of `build-labelled` (issue_labeled).',
    },
  ]);
});

test('all reasons are named, not only the first', () => {
  const codes = explainLane(
    lane({ ...hold('paused'), runners: { live: 0 }, queued: 1, sandbox: { available: false } }),
  ).map(({ code }) => code);

  expect(codes).toEqual(['hold_paused', 'sandbox_unavailable', 'no_runner']);
});

test('what a person can lift comes with the command', () => {
  const remedies = explainLane(lane(hold('breaker'))).map(({ remedy }) => remedy);

  expect(remedies[0]).toContain('autodev reset group/shop builder');
});

test('what the policy denies is lifted by no command, and the rule is shown by one', () => {
  const holds: HoldFact[] = [{ kind: 'paused', reason: 'The policy: freeze', actor: POLICY_ACTOR }];

  const [found] = explainLane(lane({ holds }));

  expect(found?.remedy).toContain('autodev explain policy group/shop deny_windows');
});

test('an agent that others hand work to has a source of it', () => {
  const codes = explainLane(lane({ triggers: [], handOffs: ['bug-finder', 'pm'] })).map(
    ({ code }) => code,
  );

  expect(codes).toEqual(['waits_for_hand_off']);
});

test('a trigger that has fired for the last time is no source of work', () => {
  const codes = explainLane(
    lane({ triggers: [{ name: 'first', events: ['first_start'], spent: true }] }),
  ).map(({ code }) => code);

  expect(codes).toEqual(['trigger_spent', 'no_source_of_work']);
});

test.each([
  [['fleet'], 'autodev resume'],
  [['repo'], 'autodev resume group/shop'],
  [['agent'], 'autodev resume group/shop builder'],
  [['fleet', 'agent'], 'autodev resume and autodev resume group/shop builder'],
] as const)('a pause of %j is lifted by the command of just that', (scopes, command) => {
  const [reason] = explainLane(lane({ holds: [{ kind: 'paused', reason: 'Because.', scopes }] }));

  expect(reason?.remedy).toBe(command);
});

const jobCases: [code: string, facts: Partial<JobFacts>, part: RegExp][] = [
  ['ended', { state: 'failed', reason: 'check_failed' }, /failed\. A command of `check`/u],
  ['running', { state: 'running' }, /running/u],
  ['publishing', { state: 'publishing', effect: { name: 'merge request' } }, /merge request/u],
  [
    'effect_failing',
    { state: 'publishing', effect: { name: 'comment', lastError: 'The forge answered 502.' } },
    /502/u,
  ],
  [
    'in_review',
    { state: 'review', gate: { id: 'g_3', missing: ['Needs your vote.'] } },
    /people\. Needs your vote\./u,
  ],
  ['queued_next', {}, /next of its lane/u],
  ['queued_behind', { ahead: 2 }, /2 jobs are before it/u],
  ['lane_limit', { lane: lane({ slots: { lane: full, repo: free } }) }, /may run 2 at once/u],
  ['hold_paused', { lane: lane(hold('paused')) }, /held by ann/u],
  [
    'waiting_gate',
    { state: 'waiting', waitReason: 'gate', gate: { id: 'g_3', missing: ['Needs 1 more.'] } },
    /g_3\. Needs 1 more\./u,
  ],
  [
    'waiting_parent',
    { state: 'waiting', waitReason: 'parent', parent: { id: 'j_1', state: 'review' } },
    /That is j_1, which is review/u,
  ],
  [
    'waiting_budget',
    { state: 'waiting', waitReason: 'budget', detail: 'Budget day has 0.20 USD left.' },
    /0\.20 USD/u,
  ],
  [
    'waiting_retry',
    { state: 'waiting', waitReason: 'retry', reason: 'crashed', wakeAt: NOW + 4000 },
    /its next try, in 4 s\. The worker ended with an error/u,
  ],
  ['waiting_question', { state: 'waiting', waitReason: 'question' }, /for an answer/u],
  ['waiting_cooldown', { state: 'waiting', waitReason: 'cooldown' }, /refuses calls/u],
  ['waiting_provider', { state: 'waiting', waitReason: 'provider' }, /a provider/u],
];

test.each(jobCases)('a job explains %s', (code, facts, part) => {
  const found = explainJob(job(facts)).find((reason) => reason.code === code);

  expect(found?.sentence).toMatch(part);
});

test('a job of any state says something', () => {
  for (const state of JOB_STATES) {
    expect(explainJob(job({ state })).length).toBeGreaterThan(0);
  }
});

test('the commands carry the id that they are about', () => {
  const question = explainJob(job({ state: 'waiting', waitReason: 'question' }));
  const gate = explainJob(
    job({ state: 'waiting', waitReason: 'gate', gate: { id: 'g_3', missing: [] } }),
  );

  expect(question[0]?.remedy).toBe('autodev answer j_7 TEXT');
  expect(gate[0]?.remedy).toBe('autodev approve g_3');
});

test('every code there is has a test here', () => {
  const tested = new Set([...laneCases, ...jobCases].map(([code]) => code));

  expect(WHY_CODES.filter((code) => !tested.has(code))).toEqual([]);
});
