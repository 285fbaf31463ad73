import type { Static } from 'typebox';
import { Type } from 'typebox';

import { agentOf } from '../../domain/agent.ts';
import type { Queryable } from '../db.ts';
import { sql } from '../sql.ts';
import type { Page } from './wire.ts';
import { AgentName, Time, page, time } from './wire.ts';

export const Runner = Type.Object({
  id: Type.String(),
  state: Type.Enum(['active', 'draining', 'gone']),
  agents: Type.Array(AgentName),
  providers: Type.Array(Type.String()),
  slots: Type.Integer(),
  running: Type.Integer(),
  host: Type.String(),
  pid: Type.Integer(),
  sandbox: Type.Object({
    mode: Type.String(),
    protected: Type.Boolean(),
    reason: Type.Optional(Type.String()),
  }),
  started_at: Time,
  heartbeat_at: Time,
});

/** Who claims jobs. */
export type Runner = Static<typeof Runner>;

interface RunnerRow extends Omit<Runner, 'id' | 'agents' | 'started_at' | 'heartbeat_at'> {
  id: number;
  agents: number[];
  started_at: Date;
  heartbeat_at: Date;
}

/** Runners that are not gone, in the order of their first registration. */
export async function listRunners(
  db: Queryable,
  { limit, after = 0 }: { limit: number; after?: number | undefined },
): Promise<Page<Runner>> {
  const rows = await db.query<RunnerRow>(sql`
    select r.id, r.state, r.agents, r.providers, r.slots, r.host, r.pid, r.sandbox, r.started_at,
      r.heartbeat_at,
      (select count(*)::int from job j where j.state = 1 and j.runner = r.id and j.epoch = r.epoch) as running
    from runner r
    where r.state <> 'gone' and r.id > ${after}::bigint order by r.id limit ${limit + 1}`);

  return page(rows, limit, {
    key: (row) => row.id,
    item: (row) => ({
      ...row,
      id: String(row.id),
      agents: row.agents.map(agentOf),
      started_at: time(row.started_at),
      heartbeat_at: time(row.heartbeat_at),
    }),
  });
}
