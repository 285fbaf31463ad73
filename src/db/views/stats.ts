import type { Static } from 'typebox';
import { Type } from 'typebox';

import { JOB_STATES, jobStateOf } from '../../domain/job-state.ts';
import type { Queryable } from '../db.ts';
import { sql } from '../sql.ts';
import { RefusedDeliveries, listRefusedDeliveries } from './hooks.ts';
import { readSandbox } from './sandbox.ts';
import { SetAside, countFaults, listSetAsideRows } from './set-aside.ts';
import { Cost, orNull, usd } from './wire.ts';

export const Stats = Type.Object({
  repos: Type.Integer(),
  runners: Type.Integer({ description: 'That are alive' }),
  open_gates: Type.Integer(),
  open_merge_requests: Type.Integer(),
  jobs: Type.Record(Type.String(), Type.Integer(), {
    description: 'Jobs in each state; of the final ones, those that ended in the last 24 hours',
  }),
  oldest_queued_seconds: Type.Number({ description: 'How long the job waits that waits longest' }),
  cost_24h: Cost,
  set_aside: Type.Array(SetAside, { description: 'Rows that could not be handled: bugs of ours' }),
  faults: Type.Record(Type.String(), Type.Integer(), {
    description: 'How often each kind of row could not be handled, since the beginning',
  }),
  refused_deliveries: Type.Array(RefusedDeliveries, {
    description: 'Deliveries of GitLab hooks that were answered with an error',
  }),
  sandbox: orNull(
    Type.Object({ status: Type.String(), reason: Type.String(), message: Type.String() }),
  ),
});

/** Numbers on the whole of it. */
export type Stats = Static<typeof Stats>;

interface StatsRow {
  repos: number;
  runners: number;
  open_gates: number;
  open_merge_requests: number;
  oldest_queued_seconds: number;
  tokens: number;
  micro_usd: number;
}

export async function readStats(db: Queryable): Promise<Stats> {
  const [counts, [row], sandbox, setAside, faults, refused] = await Promise.all([
    db.query<{ state: number; n: number }>(sql`
      select state, count(*)::int as n from job group by state
      union all
      select state, count(*)::int from job_done where ended_at > now() - interval '1 day' group by state`),
    db.query<StatsRow>(sql`select
      (select count(*)::int from repo where removed_at is null) as repos,
      (select count(*)::int from runner where state <> 'gone' and lease_until > now()) as runners,
      (select count(*)::int from gate where state = 'open') as open_gates,
      (select count(*)::int from merge_request where state = 'open') as open_merge_requests,
      coalesce((select extract(epoch from now() - min(created_at)) from job where state = 0), 0)
        as oldest_queued_seconds,
      coalesce(sum(input + cached + cache_writes + output), 0)::bigint as tokens,
      coalesce(sum(micro_usd), 0)::bigint as micro_usd
      from ledger where at > now() - interval '1 day'`),
    readSandbox(db),
    listSetAsideRows(db),
    countFaults(db),
    listRefusedDeliveries(db),
  ]);
  const jobs = new Map(counts.map(({ state, n }) => [jobStateOf(state), n]));
  const { tokens, micro_usd: microUsd, ...rest } = row ?? NOTHING;

  return {
    ...rest,
    jobs: Object.fromEntries(JOB_STATES.map((state) => [state, jobs.get(state) ?? 0])),
    cost_24h: { tokens, usd: usd(microUsd) },
    set_aside: setAside,
    faults,
    refused_deliveries: refused,
    sandbox:
      sandbox === undefined
        ? null
        : { status: sandbox.status, reason: sandbox.reason, message: sandbox.message },
  };
}

const NOTHING: StatsRow = {
  repos: 0,
  runners: 0,
  open_gates: 0,
  open_merge_requests: 0,
  oldest_queued_seconds: 0,
  tokens: 0,
  micro_usd: 0,
};
