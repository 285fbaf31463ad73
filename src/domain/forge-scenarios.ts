import type { MergeRequestFacts, SaidNote, KnownPerson } from './forge-facts.ts';
import type { ForgeQuestion } from './forge-question.ts';
import { QUIET_MS } from './forge-verdict.ts';
import type { ApprovalRule } from './spec.ts';

// A merge request of ours as votes on it are read, for tests.

export const HEAD = 'a1'.repeat(20);
export const OTHER = 'b2'.repeat(20);
export const BOT = '1';
const PUSHED_AT = new Date('2026-03-02T09:00:00Z');

/** So many milliseconds after the push. */
export function after(ms: number): Date {
  return new Date(PUSHED_AT.getTime() + ms);
}

export function rule(change: Partial<ApprovalRule> = {}): ApprovalRule {
  return {
    gate: 'merge',
    approvals: 1,
    role: 'developer',
    users: [],
    groups: [],
    paths: [],
    agents: [],
    ...change,
  };
}

export function person(username: string, change: Partial<KnownPerson> = {}): KnownPerson {
  return {
    id: `id-${username}`,
    username,
    name: `${username} Name`,
    emails: [`${username}@example.org`],
    bot: false,
    active: true,
    role: 'developer',
    groups: [],
    ...change,
  };
}

let notes = 100;

export function note(
  username: string,
  body: string,
  { at = after(60_000), ...change }: Partial<SaidNote> = {},
): SaidNote {
  notes += 1;
  return {
    id: String(notes),
    by: `id-${username}`,
    body,
    at,
    updatedAt: at,
    system: false,
    internal: false,
    ...change,
  };
}

export function button(username: string, at: Date | undefined = after(60_000)) {
  return { by: `id-${username}`, at };
}

export const PEOPLE = ['ann', 'ben', 'cat'].map((name) => person(name));

export function request(change: Partial<MergeRequestFacts> = {}): MergeRequestFacts {
  return {
    number: 7,
    state: 'open',
    draft: false,
    author: BOT,
    project: '10',
    sourceProject: '10',
    source: 'autodev/builder/1-fix',
    target: 'main',
    description: 'Fix.',
    head: HEAD,
    movedMeanwhile: false,
    unsettled: false,
    against: undefined,
    versions: [{ head: HEAD, at: PUSHED_AT }],
    approvals: [],
    objections: [],
    notes: [],
    commits: [commit(HEAD, 'Auto-Dev', 'autodev@localhost')],
    pushes: [],
    people: PEOPLE,
    groupIds: {},
    paths: ['src/a.ts'],
    pipeline: undefined,
    mergedBy: undefined,
    mergedAt: undefined,
    mergedCommit: undefined,
    closedBy: undefined,
    ...change,
  };
}

export function commit(sha: string, name: string, email: string) {
  return {
    sha,
    authorName: name,
    authorEmail: email,
    committerName: name,
    committerEmail: email,
  };
}

export function question(
  read: Partial<MergeRequestFacts> = {},
  change: Partial<ForgeQuestion> = {},
): ForgeQuestion {
  return {
    gate: 'merge',
    request: request(read),
    ours: { bot: BOT, identities: ['Auto-Dev', 'autodev@localhost'], published: [HEAD] },
    expected: { head: HEAD, target: 'main' },
    rules: { default: rule() },
    agent: 'builder',
    merge: 'human',
    requesters: [],
    bindings: { users: {}, groups: {} },
    spent: [],
    quietMs: QUIET_MS,
    now: after(3_600_000),
    matches: (glob, path) => path.startsWith(glob.replace('**', '')),
    ...change,
  };
}
