import { matchingRules } from '../domain/approval-verdict.ts';
import type { BudgetAsk, WindowKey } from '../domain/budget-caps.ts';
import type { RepoSpec } from '../domain/spec.ts';
import type { Queryable } from './db.ts';
import { openGate } from './gates.ts';
import type { JobRow } from './job-rows.ts';
import { requestersOf } from './requesters.ts';
import { sql } from './sql.ts';

interface BudgetQuestion {
  readonly job: Pick<JobRow, 'id' | 'repoId' | 'rootId' | 'agent'>;
  readonly approvals: RepoSpec['approvals'];
  readonly ask: BudgetAsk;
  /** What is in the way, in a sentence. */
  readonly reason: string;
  /** When the question answers itself: the window is over, or the job's lifetime is. Epoch milliseconds. */
  readonly until: number;
  readonly now: number;
}

/**
 * Asks people to raise a budget, once for each window: who runs into it while the question stands open waits with
 * the first, and nobody asks again in a window for which people have said no. The rules of `config` gates say who
 * answers, because a raised cap is what a changed file would be.
 *
 * In the claim's transaction: the job and the window are locked, so two claims cannot both ask. False: people have
 * said no.
 */
export async function askForBudget(
  tx: Queryable,
  { job, approvals, ask, reason, until, now }: BudgetQuestion,
): Promise<boolean> {
  const [about] = ask.windows;
  const [asked] = await tx.query<{ state: string }>(sql`
    select state from gate where window_id = ${about.id}::bigint and state in ('open', 'rejected')
    order by id desc limit 1
  `);
  if (asked) {
    return asked.state === 'open';
  }
  const rules = matchingRules({
    gate: 'config',
    rules: approvals,
    agent: job.agent,
    paths: [],
    matches: () => false,
  });
  const names = ask.windows.map(({ name }) => `\`${name}\``).join(' and ');
  const offers = ask.windows.map(
    ({ name, unit, amount }) => `\`${name}\` by ${said(unit, amount)}`,
  );
  await openGate(tx, {
    repoId: job.repoId,
    jobId: job.id,
    kind: 'budget',
    title: `Raise ${names} for the ${job.agent}?`,
    body: [
      reason,
      `Approving raises ${offers.join(' and ')}, for as long as this window lasts, and the work goes on.`,
      `To let this job alone go on: \`autodev grant j_${job.id} --usd N\`. Rejecting ends it; other work waits for the next window.`,
    ].join('\n\n'),
    rules: rules.map(([name, rule]) => ({ name, rule })),
    requesters: await requestersOf(tx, job.rootId),
    ask,
    ...(Number.isFinite(until) && { expiresInMs: Math.max(0, until - now) }),
  });
  return true;
}

/** Whether the window that a gate is about has ended, so that its question is void. By the database's clock. */
export async function isWindowOver(db: Queryable, gateId: number): Promise<boolean> {
  const rows = await db.query(sql`
    select 1 from gate g join budget_window w on w.id = g.window_id where g.id = ${gateId} and w.ends_at <= now()
  `);
  return rows.length > 0;
}

function said(unit: WindowKey['unit'], amount: number): string {
  return unit === 'tokens' ? `${amount} tokens` : `${(amount / 1_000_000).toFixed(2)} USD`;
}
