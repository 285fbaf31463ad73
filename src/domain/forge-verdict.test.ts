import { expect, test } from 'vitest';

import type { MergeRequestFacts } from './forge-facts.ts';
import type { ForgeQuestion } from './forge-question.ts';
import {
  after,
  BOT,
  button,
  commit,
  HEAD,
  note,
  OTHER,
  PEOPLE,
  person,
  question,
  rule,
} from './forge-scenarios.ts';
import { decideForgeVotes, QUIET_MS } from './forge-verdict.ts';

const decide = (read: Partial<MergeRequestFacts>, change: Partial<ForgeQuestion> = {}) =>
  decideForgeVotes(question(read, change));
const sentences = (read: Partial<MergeRequestFacts>, change: Partial<ForgeQuestion> = {}) =>
  decide(read, change).discounted.map(({ sentence }) => sentence);
const approve = (sha = HEAD) => `/autodev approve ${sha.slice(0, 8)}`;

test('without votes it waits and says what is missing', () => {
  expect(decide({})).toMatchObject({
    state: 'waiting',
    missing: ['Needs 1 more approval of a developer.'],
  });
});

test('the button approves', () => {
  expect(decide({ approvals: [button('ann')] })).toMatchObject({
    state: 'approved',
    head: HEAD,
    mergeable: false,
    count: { approval: { rules: [{ approvers: ['id-ann'] }] } },
  });
});

test('a note that names the commit approves', () => {
  expect(decide({ notes: [note('ann', approve())] })).toMatchObject({ state: 'approved' });
});

test('button and note of one person are one vote', () => {
  const two = { rules: { default: rule({ approvals: 2 }) } };
  const read = { approvals: [button('ann')], notes: [note('ann', approve())] };

  expect(decide(read, two)).toMatchObject({
    state: 'waiting',
    missing: ['Needs 1 more approval of a developer.'],
  });
});

test('what the forge calls approved, or nothing against it, opens nothing', () => {
  expect(decide({ against: undefined, approvals: [] }).state).toBe('waiting');
});

test.each<[string, Partial<MergeRequestFacts>]>([
  ['another commit', { notes: [note('ann', approve(OTHER))] }],
  ['a note that was edited', { notes: [note('ann', approve(), { updatedAt: after(70_000) })] }],
  ['a note edited into a vote', { notes: [note('ann', approve(), { updatedAt: after(60_001) })] }],
  ['a system note', { notes: [note('ann', approve(), { system: true })] }],
  ['a quoted note', { notes: [note('ann', `> ${approve()}`)] }],
  ['our own note', { notes: [note('ann', approve(), { by: BOT })] }],
  ['a note before the push', { notes: [note('ann', approve(), { at: after(-1) })] }],
  ['a button before the push', { approvals: [button('ann', after(-1))] }],
  ['a button right after the push', { approvals: [button('ann', after(QUIET_MS - 1))] }],
  ['a button of an unknown time', { approvals: [{ by: 'id-ann', at: undefined }] }],
  [
    'somebody whose role is below',
    { approvals: [button('ann')], people: [person('ann', { role: 'reporter' })] },
  ],
  [
    'somebody who is no member',
    { approvals: [button('ann')], people: [person('ann', { role: 'outsider' })] },
  ],
  [
    'somebody who is blocked',
    { approvals: [button('ann')], people: [person('ann', { active: false })] },
  ],
  ['somebody of whom nothing could be read', { approvals: [button('ann')], people: [] }],
  [
    'another bot',
    { approvals: [button('ann')], people: [person('ann', { bot: true, role: 'owner' })] },
  ],
  [
    'our bot',
    {
      approvals: [{ by: BOT, at: after(60_000) }],
      people: [person('x', { id: BOT, role: 'owner' })],
    },
  ],
])('%s is no vote', (_who, read) => {
  expect(decide(read).state).toBe('waiting');
});

test('a vote that does not count is told why', () => {
  expect(sentences({ approvals: [button('ann', after(-1))] })).toEqual([
    'Somebody pushed after the button was pressed, and a push voids votes. To approve this state: `/autodev approve a1a1a1a1`.',
  ]);
  expect(sentences({ notes: [note('ann', approve(OTHER))] })).toEqual([
    'It names another commit: the branch is at a1a1a1a1.',
  ]);
  expect(
    sentences({ approvals: [button('ann')], people: [person('ann', { role: 'guest' })] }),
  ).toEqual(['The voter is not among those whom a rule of this gate asks.']);
});

test('an old server tells the time of the button by its own note', () => {
  const approvals = [{ by: 'id-ann', at: undefined }];
  const said = (at: Date) => [note('ann', 'approved this merge request', { system: true, at })];

  expect(decide({ approvals, notes: said(after(60_000)) }).state).toBe('approved');
  expect(decide({ approvals, notes: said(after(-60_000)) }).state).toBe('waiting');
  expect(
    decide({ approvals, notes: said(after(60_000)).map((one) => ({ ...one, system: false })) })
      .state,
  ).toBe('waiting');
});

test('who wrote, committed or pushed a part of the change does not approve it', () => {
  const pushed = {
    versions: [
      { head: OTHER, at: after(0) },
      { head: HEAD, at: after(-9000) },
    ],
    head: OTHER,
  };
  const expected = { expected: { head: OTHER, target: 'main' } };
  const theirs = (one: ReturnType<typeof commit>, by: string) =>
    decide(
      {
        ...pushed,
        commits: [one, commit(HEAD, 'Auto-Dev', 'autodev@localhost')],
        pushes: [{ head: OTHER, by }],
        approvals: [button('ann')],
        people: [...PEOPLE, person('dan')],
      },
      expected,
    );

  expect(theirs(commit(OTHER, 'ann Name', 'private@home'), 'id-ben').state).toBe('waiting');
  expect(theirs(commit(OTHER, 'x', 'ANN@example.org'), 'id-ben').state).toBe('waiting');
  expect(
    theirs(commit(OTHER, 'x', 'id-ann-ann@users.noreply.gitlab.example.org'), 'id-ben').state,
  ).toBe('waiting');
  expect(
    theirs({ ...commit(OTHER, 'Ben Name', ''), committerName: 'Ann Name' }, 'id-ben').state,
  ).toBe('waiting');
  expect(theirs(commit(OTHER, 'ben Name', ''), 'id-ann').state).toBe('waiting');
  expect(theirs(commit(OTHER, 'ben Name', ''), 'id-ben').state).toBe('approved');
});

test('where a hand is not known, one approval more is asked for', () => {
  const read = {
    head: OTHER,
    versions: [{ head: OTHER, at: after(0) }],
    commits: [commit(OTHER, 'nobody', 'nobody@nowhere')],
    pushes: [{ head: OTHER, by: 'id-ben' }],
  };
  const expected = { expected: { head: OTHER, target: 'main' } };

  expect(decide({ ...read, approvals: [button('ann')] }, expected)).toMatchObject({
    state: 'waiting',
    missing: [
      'Needs 1 more approval of a developer.',
      'One approval more than usual: who made a part of the change is not known.',
    ],
  });
  expect(decide({ ...read, approvals: [button('ann'), button('cat')] }, expected).state).toBe(
    'approved',
  );
  expect(decide({ ...read, approvals: [button('ann'), button('ben')] }, expected).state).toBe(
    'waiting',
  );
});

test('a push whose author is not known, and a commit that pretends to be ours, are unknown hands', () => {
  const read = {
    head: OTHER,
    versions: [{ head: OTHER, at: after(0) }],
    approvals: [button('ann')],
  };
  const expected = { expected: { head: OTHER, target: 'main' } };
  const pretended = [commit(OTHER, 'Auto-Dev', 'autodev@localhost')];

  expect(decide({ ...read, commits: [commit(HEAD, 'Auto-Dev', '')] }, expected).state).toBe(
    'waiting',
  );
  expect(
    decide({ ...read, commits: pretended, pushes: [{ head: OTHER, by: 'id-ben' }] }, expected)
      .state,
  ).toBe('waiting');
});

test('a head of ours that somebody pushed again is a push of theirs', () => {
  const ours = { bot: BOT, identities: ['Auto-Dev'], published: [HEAD, OTHER] };
  const read = {
    versions: [
      { head: HEAD, at: after(0) },
      { head: OTHER, at: after(-1000) },
      { head: HEAD, at: after(-2000) },
    ],
    pushes: [{ head: HEAD, by: 'id-ann' }],
    approvals: [button('ann')],
  };

  expect(decide(read, { ours }).state).toBe('waiting');
  expect(decide({ ...read, approvals: [button('ben')] }, { ours }).state).toBe('approved');
});

test('a requester is one voter of several, and never the only one', () => {
  const asked = { requesters: ['Ann'] };

  expect(decide({ approvals: [button('ann')] }, asked)).toMatchObject({
    missing: ['Needs 1 more approval of a developer who did not ask for this work.'],
  });
  expect(decide({ approvals: [button('ann'), button('ben')] }, asked).state).toBe('approved');
});

test('a requester whom nobody knows any more may be any voter', () => {
  const asked = { requesters: ['renamed'] };

  expect(decide({ approvals: [button('ann')] }, asked).state).toBe('waiting');
  expect(decide({ approvals: [button('ann'), button('ben')] }, asked).state).toBe('approved');
});

test('every rule that the paths match must be met, by the names it bound', () => {
  const rules = {
    default: rule(),
    infra: rule({ paths: ['infra/**'], users: ['Cat'], groups: ['ops'] }),
  };
  const bound = { rules, bindings: { users: { cat: 'id-cat' }, groups: { ops: '5' } } };
  const paths = ['infra/a.tf'];
  const inOps = person('ben', { groups: ['ops'] });

  expect(decide({ approvals: [button('ann')] }, bound).state).toBe('approved');
  expect(decide({ paths, approvals: [button('ann')] }, bound).state).toBe('waiting');
  expect(decide({ paths, approvals: [button('cat')] }, bound).state).toBe('approved');
  expect(
    decide({ paths, approvals: [button('ben')], people: [inOps], groupIds: { ops: '5' } }, bound)
      .state,
  ).toBe('approved');
});

test('a name or a group that changed hands since the file was applied opens nothing', () => {
  const rules = { default: rule({ users: ['cat'], groups: ['ops'] }) };
  const bound = { rules, bindings: { users: { cat: 'id-before' }, groups: { ops: '5' } } };
  const inOps = person('ben', { groups: ['ops'] });

  expect(decide({ approvals: [button('cat')] }, bound).state).toBe('waiting');
  expect(
    decide({ approvals: [button('ben')], people: [inOps], groupIds: { ops: '6' } }, bound).state,
  ).toBe('waiting');
  expect(decide({ approvals: [button('cat')] }, { rules }).state).toBe('waiting');
});

test('one who may vote and is against it decides, with their text', () => {
  const read = {
    approvals: [button('ann')],
    notes: [note('ben', '/autodev changes Smaller.\nWith a test.')],
  };

  expect(decide(read)).toMatchObject({
    state: 'changes',
    vote: { by: 'id-ben', text: 'Smaller.\nWith a test.' },
  });
  expect(decide({ notes: [note('ben', '/autodev reject No.')] })).toMatchObject({
    state: 'rejected',
    vote: { by: 'id-ben', text: 'No.' },
  });
});

test('changes that were made are not asked for again, and end what the same person said before', () => {
  const asked = note('ann', '/autodev changes Smaller.', { at: after(30_000) });
  const notes = [note('ann', approve(), { at: after(20_000) }), asked];
  const spent = [asked.id];

  expect(decide({ notes }, { spent })).toMatchObject({ state: 'waiting' });
  expect(decide({ approvals: [button('ann', after(20_000))], notes }, { spent }).state).toBe(
    'waiting',
  );
  expect(
    decide({ notes: [...notes, note('ann', approve(), { at: after(40_000) })] }, { spent }).state,
  ).toBe('approved');
});

test('whoever may not vote cannot shut a gate either', () => {
  const notes = [note('eve', '/autodev reject No.')];
  const people = [...PEOPLE, person('eve', { role: 'guest' })];

  expect(decide({ notes, people, approvals: [button('ann')] }).state).toBe('approved');
});

test('the last word of a person counts', () => {
  const back = [
    note('ann', '/autodev changes Smaller.', { at: after(20_000) }),
    note('ann', approve(), { at: after(30_000) }),
  ];

  expect(decide({ notes: back }).state).toBe('approved');
  expect(decide({ notes: back.toReversed() }).state).toBe('approved');
});

test('a note from before the push asks for no changes any more', () => {
  expect(decide({ notes: [note('ann', '/autodev changes x', { at: after(-1) })] }).state).toBe(
    'waiting',
  );
});

test('nothing is approved before the branch has stood still and the forge has settled', () => {
  const approvals = [button('ann', after(QUIET_MS))];

  expect(
    decide({ notes: [note('ann', approve(), { at: after(1) })] }, { now: after(5000) }),
  ).toMatchObject({
    state: 'unsettled',
    againMs: QUIET_MS - 5000,
  });
  expect(decide({ approvals, unsettled: true })).toMatchObject({ state: 'unsettled' });
  expect(decide({ approvals, movedMeanwhile: true })).toMatchObject({ state: 'unsettled' });
  expect(decide({ approvals, head: undefined })).toMatchObject({ state: 'unsettled' });
  expect(decide({ approvals, versions: [{ head: OTHER, at: after(0) }] })).toMatchObject({
    state: 'unsettled',
  });
  expect(decide({ approvals, versions: [] })).toMatchObject({ state: 'unsettled' });
});

test('a draft, a lasting objection and another target wait', () => {
  const approvals = [button('ann')];

  expect(decide({ approvals, draft: true })).toMatchObject({
    state: 'waiting',
    missing: ['It is a draft: mark it as ready.'],
  });
  expect(decide({ approvals, objections: ['id-ben'] })).toMatchObject({
    state: 'waiting',
    missing: ['@ben asked for changes in GitLab.'],
  });
  expect(decide({ approvals, target: 'release' })).toMatchObject({
    state: 'waiting',
    missing: ['It leads to release: set its target back to main.'],
  });
});

test('a push moves the gate and voids the votes', () => {
  const read = {
    head: OTHER,
    versions: [{ head: OTHER, at: after(0) }],
    approvals: [button('ann')],
    pushes: [{ head: OTHER, by: 'id-ben' }],
  };

  expect(decide(read)).toMatchObject({ state: 'moved', head: OTHER, by: ['id-ben'] });
});

test('a merge request of another author, or of a fork, is none of ours', () => {
  expect(decide({ author: 'id-eve', approvals: [button('ann')] })).toMatchObject({
    state: 'foreign',
  });
  expect(decide({ sourceProject: '11', approvals: [button('ann')] })).toMatchObject({
    state: 'foreign',
  });
});

test('a change of the file may come from a person, who does not approve it', () => {
  const config = {
    gate: 'config' as const,
    rules: { limits: rule({ gate: 'config', role: 'maintainer' }) },
    ours: { bot: BOT, identities: [], published: [] },
  };
  const read = {
    author: 'id-ann',
    commits: [commit(HEAD, 'ann Name', '')],
    pushes: [{ head: HEAD, by: 'id-ann' }],
    people: [
      person('ann', { role: 'owner' }),
      person('ben', { role: 'maintainer' }),
      person('cat'),
    ],
  };

  expect(decide({ ...read, approvals: [button('ann')] }, config).state).toBe('waiting');
  expect(decide({ ...read, approvals: [button('cat')] }, config).state).toBe('waiting');
  expect(decide({ ...read, approvals: [button('ben')] }, config).state).toBe('approved');
});

const merged = { state: 'merged' as const, mergedCommit: 'c'.repeat(40), mergedAt: after(100_000) };

test('a merge is the one vote of who merged', () => {
  const two = { rules: { default: rule({ approvals: 2 }) } };

  expect(decide({ ...merged, mergedBy: 'id-ann' })).toMatchObject({
    state: 'merged',
    approval: 'met',
    by: 'id-ann',
  });
  expect(decide({ ...merged, mergedBy: 'id-ann' }, two)).toMatchObject({
    approval: 'bypassed',
    why: ['Needs 1 more approval of a developer.'],
  });
  expect(decide({ ...merged, mergedBy: 'id-ann', approvals: [button('ben')] }, two)).toMatchObject({
    approval: 'met',
  });
});

test.each<[string, Partial<MergeRequestFacts>, Partial<ForgeQuestion>]>([
  [
    'by somebody below the role',
    { mergedBy: 'id-ann', people: [person('ann', { role: 'reporter' })] },
    {},
  ],
  [
    'by another bot',
    { mergedBy: 'id-ann', people: [person('ann', { bot: true, role: 'owner' })] },
    {},
  ],
  ['by nobody whom GitLab names', {}, {}],
  ['by us without votes', { mergedBy: BOT }, {}],
  ['by the requester alone', { mergedBy: 'id-ann' }, { requesters: ['ann'] }],
  [
    'by a committer',
    {
      mergedBy: 'id-ann',
      head: OTHER,
      versions: [{ head: OTHER, at: after(0) }],
      commits: [commit(OTHER, 'ann Name', '')],
      pushes: [{ head: OTHER, by: 'id-ann' }],
    },
    {},
  ],
  ['into another branch', { mergedBy: 'id-ann', target: 'release' }, {}],
  [
    'while somebody was against it',
    { mergedBy: 'id-ann', notes: [note('ben', '/autodev reject No.')] },
    {},
  ],
  ['and approved only afterwards', { approvals: [button('ann', after(200_000))] }, {}],
])('merged %s is bypassed', (_how, read, change) => {
  expect(decide({ ...merged, ...read }, change)).toMatchObject({
    state: 'merged',
    approval: 'bypassed',
  });
});

test('a file that was merged below its rule can still be voted on, by its merge commit', () => {
  const config = { gate: 'config' as const, rules: { limits: rule({ gate: 'config' }) } };
  const read = { ...merged, author: 'id-ann', mergedBy: 'id-ann' };
  const late = (sha: string, at = after(200_000)) => [note('ben', approve(sha), { at })];

  expect(decide(read, config)).toMatchObject({ approval: 'bypassed' });
  expect(decide({ ...read, notes: late(merged.mergedCommit) }, config)).toMatchObject({
    approval: 'met',
  });
  expect(decide({ ...read, notes: late(HEAD) }, config)).toMatchObject({ approval: 'met' });
  expect(decide({ ...read, notes: late(OTHER) }, config)).toMatchObject({ approval: 'bypassed' });
});

test('closed is closed, whatever the votes were', () => {
  const read = { state: 'closed' as const, closedBy: 'id-ben', approvals: [button('ann')] };

  expect(decide(read)).toMatchObject({ state: 'closed', by: 'id-ben' });
});

test('by us it is merged with a successful pipeline of this head and nothing against it', () => {
  const auto = { merge: 'auto' as const };
  const approvals = [button('ann')];
  const green = { sha: HEAD, status: 'success' };

  expect(decide({ approvals, pipeline: green }, auto)).toMatchObject({
    state: 'approved',
    mergeable: true,
  });
  for (const pipeline of [
    undefined,
    { sha: HEAD, status: 'skipped' },
    { sha: HEAD, status: 'running' },
    { sha: OTHER, status: 'success' },
  ]) {
    expect(decide({ approvals, pipeline }, auto)).toMatchObject({
      state: 'approved',
      mergeable: false,
    });
  }
  expect(decide({ approvals, pipeline: green, against: 'conflict' }, auto)).toMatchObject({
    mergeable: false,
    missing: ['GitLab would not merge it: conflict.'],
  });
  expect(decide({ pipeline: green }, auto).state).toBe('waiting');
});

test('a rule that asks for nobody asks for one', () => {
  expect(
    decide(
      { pipeline: { sha: HEAD, status: 'success' } },
      { merge: 'auto', rules: { default: rule({ approvals: 0 }) } },
    ).state,
  ).toBe('waiting');
});

test('commands that are no votes are handed on, edited and quoted ones are not', () => {
  const notes = [
    note('ann', '/autodev answer Yes.'),
    note('ben', '/autodev stop'),
    note('cat', '/autodev approve now'),
    note('ben', '/autodev stop', { updatedAt: after(99_000) }),
    note('ben', '> /autodev stop'),
  ];

  expect(decide({ notes }).commands.map(({ by, command }) => [by, command.verb])).toEqual([
    ['id-ann', 'answer'],
    ['id-ben', 'stop'],
    ['id-cat', 'unclear'],
  ]);
});
