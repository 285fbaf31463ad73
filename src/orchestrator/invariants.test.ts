import * as fc from 'fast-check';
import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { counterDrift } from '../../test/queue.ts';
import { createPostgresBus } from '../control/postgres/bus.ts';
import type { Db } from '../db/db.ts';
import { insertVote } from '../db/gates.ts';
import type { Verdict } from '../db/gates.ts';
import { promoteDue } from '../db/promote.ts';
import { sql } from '../db/sql.ts';
import type { Output } from '../domain/output.ts';
import { AppError } from '../kernel/errors.ts';
import { cancelJob } from './acts/stop-job.ts';
import { observeBranches } from './branches.ts';
import { decideGate, expireGates } from './decide-gates.ts';
import { carryOutEffects } from './effects.ts';
import { tieLooseEnds } from './loose-ends.ts';
import type { OrchestratorFixture } from './orchestrator-fixture.ts';
import { OPERATOR, orchestratorFixture } from './orchestrator-fixture.ts';
import { finishPublishing } from './publishing.ts';
import { MERGE_REQUEST, rule } from './spec-fixture.ts';
import { handleEvents } from './start-triggered.ts';

const ACTS = [
  'start',
  'start_with_child',
  'claim_and_end',
  'claim_and_fail',
  'publish',
  'approve',
  'reject',
  'changes',
  'answer',
  'cancel',
  'expire',
  'merge_by_hand',
  'delete_branch',
  'push_by_hand',
  'tidy',
] as const;

/** `pick` chooses among what is there; acts of one step happen at the same time. */
const step = fc.array(fc.record({ act: fc.constantFrom(...ACTS), pick: fc.nat(20) }), {
  minLength: 1,
  maxLength: 3,
});

const OUTPUTS: readonly (readonly Output[])[] = [
  [MERGE_REQUEST],
  [MERGE_REQUEST, { type: 'comment', body: 'See there.' }],
  [{ type: 'question', text: 'How?' }],
  [MERGE_REQUEST, { type: 'question', text: 'Like this?' }],
  [{ type: 'issue', title: 'Bug', description: 'There.' }],
  // Its effect fails.
  [{ type: 'comment', body: '' }],
];

async function chosen(
  db: Db,
  query: ReturnType<typeof sql>,
  pick: number,
): Promise<number | undefined> {
  const rows = await db.query<{ id: number }>(query);
  return rows[pick % Math.max(rows.length, 1)]?.id;
}

async function perform(
  fixture: OrchestratorFixture,
  { act, pick }: { act: (typeof ACTS)[number]; pick: number },
): Promise<unknown> {
  const { deps, signal, git } = fixture;
  const { db } = deps;
  const vote = async (verdict: Verdict): Promise<void> => {
    const gateId = await chosen(
      db,
      sql`select id from gate where state = 'open' order by id`,
      pick,
    );
    const [gate] = await db.query<{ kind: string; head: string | null }>(
      sql`select kind, head from gate where id = ${gateId ?? 0}`,
    );
    if (gateId !== undefined && gate && (verdict !== 'changes' || gate.kind === 'merge')) {
      await insertVote(db, gateId, {
        voter: OPERATOR,
        role: 'owner',
        verdict,
        head: gate.head,
        note: 'Because.',
        self: true,
        via: 'cli',
      });
      await decideGate(deps, gateId, signal);
    }
  };
  const branch = async (): Promise<string | undefined> => {
    const branches = git
      .sh(['branch', '--list', '--format=%(refname:short)', 'autodev/*'])
      .split('\n');
    return branches[pick % branches.length] || undefined;
  };

  switch (act) {
    case 'start':
      return fixture.enqueue();
    case 'start_with_child': {
      const parentId = await fixture.enqueue();
      return fixture.enqueue({ agent: 'reviewer', parentId, state: { waiting: 'parent' } });
    }
    case 'claim_and_end':
    case 'claim_and_fail': {
      const id = await chosen(
        db,
        sql`select distinct on (agent) id from job where state = 0 order by agent, priority, id`,
        pick,
      );
      if (id === undefined) {
        return undefined;
      }
      const { mergeRequestId } = await fixture.claim(id);
      if (act === 'claim_and_fail') {
        return fixture.complete(id, { end: { state: 'failed', reason: 'check_failed' } });
      }
      const [request] = await db.query<{ head: string }>(
        sql`select head from merge_request where id = ${mergeRequestId ?? 0} and state = 'open'`,
      );
      const outputs = OUTPUTS[pick % OUTPUTS.length] ?? [];
      return fixture.complete(id, {
        files: { [`file-${id}-${pick}.md`]: `${pick}\n` },
        outputs,
        ...(request && { base: request.head }),
      });
    }
    case 'publish':
      return (await carryOutEffects(deps, signal)) + (await finishPublishing(deps));
    case 'approve':
    case 'reject':
    case 'changes':
    case 'answer':
      return vote(act);
    case 'cancel': {
      const id = await chosen(db, sql`select id from job order by id`, pick);
      return id && cancelJob({ db, bus: createPostgresBus({ db }) }, id, { actor: OPERATOR });
    }
    case 'expire':
      await db.query(
        sql`update gate set expires_at = now() where state = 'open' and id % 3 = ${pick % 3}`,
      );
      return expireGates(deps);
    case 'merge_by_hand': {
      const name = await branch();
      return (
        name &&
        git.sh(['merge', '--quiet', '--no-edit', name]) +
          String(await observeBranches(deps, signal))
      );
    }
    case 'delete_branch': {
      const name = await branch();
      return (
        name &&
        git.sh(['branch', '--quiet', '-D', name]) + String(await observeBranches(deps, signal))
      );
    }
    case 'push_by_hand': {
      const name = await branch();
      if (name) {
        const tree = git.sh(['rev-parse', `${name}^{tree}`]);
        const commit = git.sh(['commit-tree', '-p', name, '-m', 'Mine', tree]);
        git.sh(['update-ref', `refs/heads/${name}`, commit]);
      }
      return observeBranches(deps, signal);
    }
    case 'tidy':
      await promoteDue(db, 10);
      return tieLooseEnds(deps);
    default:
      return act satisfies never;
  }
}

/** Lets every service run until none of them finds anything to do. */
async function settle({ deps, signal }: OrchestratorFixture): Promise<void> {
  for (let rounds = 0; rounds < 30; rounds += 1) {
    await deps.db.query(sql`update effect set due_at = now() where state = 'pending'`);
    await deps.db.query(
      sql`update effect set lease_until = now() - interval '1 second' where state = 'running'`,
    );
    const found =
      (await handleEvents(deps)) +
      (await carryOutEffects(deps, signal)) +
      (await finishPublishing(deps)) +
      (await observeBranches(deps, signal)) +
      (await expireGates(deps)) +
      (await tieLooseEnds(deps));
    if (found === 0) {
      return;
    }
  }
  throw new Error('the services do not come to rest');
}

async function violations(db: Db): Promise<unknown[]> {
  return db.query(sql`
    select 'open gate of an ended job' as what, g.id from gate g
    where g.state = 'open' and g.job_id is not null and not exists (select from job j where j.id = g.job_id)
    union all
    select 'open merge request without a live job', m.id from merge_request m
    where m.state = 'open' and not exists (select from job j where j.id = m.job_id)
    union all
    select 'review without an open merge request', j.id from job j
    where j.state = 4 and not exists (select from merge_request m where m.id = j.merge_request_id and m.state = 'open')
    union all
    select 'newest job in review without a gate', j.id from job j join merge_request m on m.job_id = j.id
    where j.state = 4 and not exists (select from gate g where g.merge_request_id = m.id and g.state = 'open')
    union all
    select 'waits for a question that nobody asks', j.id from job j
    where j.state = 2 and j.wait_reason in ('question', 'gate')
      and not exists (select from gate g where g.job_id = j.id and g.state = 'open')
    union all
    select 'waits for a parent that is over', j.id from job j
    where j.state = 2 and j.wait_reason = 'parent' and not exists (select from job p where p.id = j.parent_id)
    union all
    select 'publishing for ever', j.id from job j where j.state = 3
    union all
    select 'effect of an ended job', e.id from effect e
    where e.state in ('pending', 'running') and not exists (select from job j where j.id = e.job_id)
    union all
    select 'two live jobs that changes were asked of', min(j.id) from job j
    where j.trigger ->> 'kind' = 'changes' group by j.merge_request_id having count(*) > 1
  `);
}

test('whatever people do and in whatever order, nothing is left open behind an ended job', async ({
  db,
}) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 14 }), async (steps) => {
      using fixture = await orchestratorFixture(db, {
        approvals: { default: rule(), reviews: rule({ gate: 'run', agents: ['reviewer'] }) },
      });
      await fixture.work({ files: { 'first.md': '1\n' } });

      for (const acts of [[{ act: 'publish', pick: 0 } as const], ...steps]) {
        const results = await Promise.allSettled(acts.map((act) => perform(fixture, act)));
        for (const result of results) {
          if (result.status === 'rejected' && !isExpected(result.reason)) {
            throw result.reason;
          }
        }
      }
      await settle(fixture);

      expect(await violations(db)).toEqual([]);
      expect(await counterDrift(db)).toBe(0);
    }),
    { numRuns: 12, endOnFailure: true },
  );
}, 240_000);

/** Acts that meet each other refuse in words; what two people do to git at once may fail there. */
function isExpected(error: unknown): boolean {
  return (
    error instanceof AppError ||
    (error instanceof Error && /Command failed: git|was claimed instead of/.test(error.message))
  );
}
