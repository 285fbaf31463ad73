import { expect } from 'vitest';

import { test } from '../../../test/database.ts';
import type { Db } from '../../db/db.ts';
import { sql } from '../../db/sql.ts';
import {
  insertGate,
  insertJob,
  insertMergeRequest,
  insertRepo,
  insertRevision,
} from '../../db/views/rows-fixture.ts';
import { setupApi } from './api-fixture.ts';

/** Free JSON: configuration as it is kept, with names and variables of the repository as keys. */
const FREE = new Set(['spec', 'before', 'after']);
const UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3}|\.\d{6})?Z$/;
const EPOCH_MS = { from: Date.UTC(2001, 0), to: Date.UTC(2100, 0) };

test('every answer has snake_case names, ids that are strings and times in UTC', async ({ db }) => {
  const { repo, job, gate, revision } = await insertEverything(db);
  const { call } = setupApi(db, {
    planRepo: async () => ({ empty: true, plan: {}, text: '', diagnostics: [] }),
    explainPolicy: () => [
      { key: 'agents.builder', value: 1, origin: { file: 'policy.yaml', rule: 1, line: 2 } },
    ],
  });
  const urls: Record<string, string[]> = {
    '/agents': ['/agents'],
    '/audit': ['/audit'],
    '/budgets': ['/budgets'],
    '/controls': ['/controls'],
    '/gates': ['/gates'],
    '/gates/{id}': [`/gates/${gate}`],
    '/jobs': ['/jobs'],
    '/jobs/{id}': [`/jobs/${job}`],
    '/jobs/{id}/trace': [`/jobs/${job}/trace`],
    '/jobs/{id}/why': [`/jobs/${job}/why`],
    '/repos': ['/repos'],
    '/repos/{id}': [`/repos/${repo}`],
    '/repos/{id}/file': [`/repos/${repo}/file`],
    '/repos/{id}/plan': [`/repos/${repo}/plan`],
    '/repos/{id}/policy': [`/repos/${repo}/policy`],
    '/repos/{id}/why': [`/repos/${repo}/why`],
    '/runners': ['/runners'],
    '/schedules': ['/schedules'],
    '/stats': ['/stats'],
    '/trace': [job, gate, '!1', revision, 'autodev.yaml:6'].map(
      (ref) => `/trace?ref=${encodeURIComponent(ref)}&repo=${repo}`,
    ),
  };
  const described = await call('GET', '/api/docs/json');

  const answers = await Promise.all(
    Object.values(urls)
      .flat()
      .map(async (url) => ({ url, ...(await call('GET', `/api/v1${url}`)) })),
  );

  expect(getPathsOf(described.text).filter((path) => !TEXTS.has(path))).toEqual(
    Object.keys(urls).sort(),
  );
  expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
  expect(answers.flatMap(({ url, body }) => [...problemsOf(body, url)])).toEqual([]);
});

/** What answers no JSON document. */
const TEXTS = new Set(['/events/stream', '/jobs/{id}/diff', '/jobs/{id}/transcript']);

function getPathsOf(text: string): string[] {
  const { paths } = JSON.parse(text);
  return Object.keys(paths)
    .filter((path) => path.startsWith('/api/v1/') && 'get' in paths[path])
    .map((path) => path.replace('/api/v1', ''))
    .sort();
}

/** What is wrong with a value and all in it, each with its place. */
function* problemsOf(value: unknown, place: string, key = ''): Generator<string> {
  const isTime = /(^|_)(at|until|time)$/.test(key);
  if (Array.isArray(value)) {
    for (const [i, one] of value.entries()) {
      yield* problemsOf(one, `${place}.${i}`, key);
    }
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, one] of Object.entries(value)) {
      if (!/^[a-z0-9]+([_-][a-z0-9]+)*$/.test(name)) {
        yield `${place}.${name} is not snake_case`;
      }
      if (!FREE.has(name)) {
        yield* problemsOf(one, `${place}.${name}`, name);
      }
    }
  } else if (/(^|_)(id|job|runner)$/.test(key) && typeof value === 'number') {
    yield `${place} is an id and a number`;
  } else if (typeof value === 'number' && value > EPOCH_MS.from && value < EPOCH_MS.to) {
    yield `${place} looks like epoch milliseconds`;
  } else if (isTime && value !== null && !(typeof value === 'string' && UTC.test(value))) {
    yield `${place} is no time in UTC: ${JSON.stringify(value)}`;
  } else if (!isTime && typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value)) {
    yield `${place} is a time whose name does not say so`;
  }
}

/** At least one row of all that an answer is made of, with every key that its JSON can have. */
async function insertEverything(
  db: Db,
): Promise<{ repo: string; job: string; gate: string; revision: string }> {
  const repo = await insertRepo(db);
  const commit = 'c'.repeat(40);
  const revisionId = await insertRevision(db, repo, { commit });
  const parent = await insertJob(db, repo, { state: 'succeeded' });
  const request = await insertMergeRequest(db, repo, parent);
  const job = await insertJob(db, repo, {
    rootId: parent,
    parentId: parent,
    mergeRequestId: request,
    trigger: {
      kind: 'retry',
      began_with: 'schedule',
      name: 'nightly',
      actor: 'ada',
      commit,
      line: 6,
      nominal_at: '2026-03-29T01:00:00Z',
      event_id: 5,
      from_job: parent,
    },
  });
  await insertJob(db, repo, {
    rootId: parent,
    parentId: job,
    state: 'waiting',
    waitReason: 'gate',
  });
  const gate = await insertGate(db, repo, { jobId: job, mergeRequestId: request });
  const statements = [
    sql`update job set wake_at = now(), claimed_at = now(), subject = '{"kind":"issue","id":4}', attempts = 1,
      input = '[{"kind":"note","author":"ada","text":"t","at":"2026-03-29T01:00:00.000Z"}]' where id = ${job}`,
    sql`update repo_sync set head = ${commit}, checked_at = now(), dirty_at = now(), answered_at = now(),
      diagnostics = '[{"severity":"warning","code":"c","path":"p","line":1,"column":1,"message":"m","remedy":"r"}]',
      conditions = ${JSON.stringify([
        {
          type: 'Ready',
          status: 'True',
          reason: 'Applied',
          message: 'm',
          observedRevision: commit,
          lastTransitionTime: Date.UTC(2026, 2),
        },
      ])} where repo_id = ${repo}`,
    sql`update revision set spec = '{"agents":{},"triggers":{},"schedules":{},"budgets":{"all":{"scope":"repo","per":"day","microUsd":5,"tokens":7,
      "warn":0.8,"onExhausted":"wait"}}}' where id = ${revisionId}`,
    sql`update gate set closed_at = now(), expires_at = now(), state = 'approved', closed_by = 'ada',
      rules = '[{"name":"all","rule":{"gate":"merge","approvals":1,"remindMs":5,"closeAfterMs":6}}]' where id = ${gate}`,
    sql`insert into vote (gate_id, voter, role, verdict, via) values (${gate}, 'ada', 'owner', 'approve', 'cli')`,
    sql`insert into attempt (job_id, attempt, runner, epoch, provider, spec, digest, checks, revision_id, ended_at)
      values (${job}, 1, 1, 1, 'command', '{}', 'd1', '[{"command":"npm test","exit":0,"ms":812}]', ${revisionId}, now())`,
    sql`insert into effect (repo_id, job_id, attempt, type, payload, result, key, state, done_at)
      values (${repo}, ${job}, 1, 'comment', '{"body":"hi"}', '{}', ${`k${job}`}, 'done', now())`,
    sql`insert into job_event (job_id, from_state, to_state, attempt, reason) values (${job}, 1, 0, 1, 'lost')`,
    sql`insert into artifact (job_id, attempt, repo_id, base, head, stat, diff, bundle)
      values (${job}, 1, ${repo}, 'b', 'h', '{"files":1,"added":1,"removed":0,"paths":["a"]}', '+', '\\x00')`,
    sql`insert into config_object (repo_id, kind, name, spec, hash, line, revision_id)
      values (${repo}, 'schedule', 'nightly', '{"jitterMs":5}', 'h', 6, ${revisionId})`,
    sql`insert into schedule (repo_id, name, spec, next_at, due_at) values (${repo}, 'nightly',
      '{"agent":"builder","enabled":true,"cron":"0 2 * * *","timezone":"UTC","with":{},"when":{},"jitterMs":5}', now(), now())`,
    sql`insert into occurrence (schedule_id, nominal_at, state, job_id)
      select id, now(), 'fired', ${job} from schedule where repo_id = ${repo}`,
    sql`insert into lane (repo_id, agent, max_running) values (${repo}, 3, 2)`,
    sql`insert into lane_hold (repo_id, agent, kind, reason, actor, until)
      values (${repo}, 3, 'paused', 'Holidays.', 'ada', now() + interval '1 day')`,
    sql`insert into breaker (repo_id, agent, failures, tripped_at, reason) values (${repo}, 3, 5, now(), 'r')`,
    sql`insert into control (verb, scope, repo_id, agent, job_id, runner, actor, reason, until, lifted_at, lifted_by)
      values ('pause', 'agent', ${repo}, 3, ${job}, 1, 'ada', 'r', now(), now(), 'ada')`,
    sql`insert into runner (key, lease_until, heartbeat_at, agents, providers, slots, host, pid, sandbox)
      values (${`wire-${repo}`}, now() + interval '1 hour', now(), '{3}', '{command}', 2, 'h', 7,
        '{"mode":"auto","protected":false,"reason":"no namespaces"}')`,
    sql`insert into budget_window (scope, unit, period, starts_at, ends_at, spent)
      values (${`repo:${repo}`}, 'micro_usd', 'day', now() - interval '1 hour', now() + interval '1 hour', 3)`,
    sql`insert into ledger (repo_id, job_id, attempt, request, provider, micro_usd)
      values (${repo}, ${job}, 1, 'r1', 'codex', 5)`,
    sql`insert into audit (actor, action, target, repo_id, detail) values ('ada', 'revision.applied', ${commit},
      ${repo}, '{"create":1,"pruneHeld":true,"until":"2026-03-29T01:00:00.000Z"}')`,
  ];
  for (const statement of statements) {
    await db.query(statement);
  }
  return { repo: String(repo), job: `j_${job}`, gate: `g_${gate}`, revision: commit };
}
