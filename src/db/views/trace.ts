import type { Static } from 'typebox';
import { Type } from 'typebox';

import { parseJobId } from '../../domain/job-id.ts';
import type { Queryable } from '../db.ts';
import { sql } from '../sql.ts';
import { Gate, listGates } from './gate-list.ts';
import { Job, findJobRow, jobOf, listJobs } from './job-list.ts';
import { Cost, Time, orNull, timeOrNull } from './wire.ts';

const Config = Type.Object({
  commit: Type.String({ description: 'Of autodev.yaml' }),
  line: orNull(Type.Integer({ description: 'The line of it that asked for this' })),
  author: orNull(Type.String()),
  subject: orNull(Type.String()),
});

const MergeRequest = Type.Object({
  number: Type.Integer(),
  title: Type.String(),
  branch: Type.String(),
  base: Type.String(),
  head: Type.String(),
  state: Type.String(),
  merged_commit: orNull(Type.String()),
  merged_by: orNull(Type.String()),
  closed_at: orNull(Time),
});

export const Trace = Type.Object({
  job: Job,
  root: Job,
  actor: Type.String({ description: 'Who, or whose act, began the chain' }),
  config: orNull(Config),
  obeyed: Type.Array(
    Type.Object({
      attempt: Type.Integer(),
      provider: Type.String(),
      model: orNull(Type.String()),
      commit: orNull(Type.String({ description: 'Of the autodev.yaml that was in force' })),
      digest: Type.String({ description: 'Of the limits and rules that it ran under' }),
      base: orNull(Type.String()),
    }),
  ),
  chain: Type.Array(Job, { description: 'Every job with this root, first one first' }),
  gates: Type.Array(Gate, { description: 'With the votes that were cast' }),
  merge_request: orNull(MergeRequest),
  cost: Type.Object({ ...Cost.properties, jobs: Type.Integer() }),
});

/** From a job back to the line and person that it comes from, and on to what came of it and what it cost. */
export type Trace = Omit<Static<typeof Trace>, 'job' | 'root' | 'chain'> & {
  job: Job;
  root: Job;
  chain: Job[];
};

interface MergeRequestRow extends Omit<Static<typeof MergeRequest>, 'closed_at'> {
  closed_at: Date | null;
}

/** Undefined when there is no such job. A root past its retention stands in as the job itself. */
export async function traceJob(db: Queryable, id: number): Promise<Trace | undefined> {
  const row = await findJobRow(db, id);
  if (row === undefined) {
    return undefined;
  }
  const rootId = row.root_id ?? row.id;
  const rootRow = rootId === id ? row : await findJobRow(db, rootId);
  const chain = await listJobs(db, { rootId }, { limit: 200 });
  // Everybody who agreed on the way, not to the last job alone: work that was sent back has a gate for each round.
  const jobIds = [...new Set([id, ...chain.items.map((each) => parseJobId(each.id))])];
  const [gates, obeyed, mergeRequests] = await Promise.all([
    listGates(db, { about: { jobIds, revisionIds: [] } }, { limit: 50 }),
    db.query<Static<typeof Trace>['obeyed'][number]>(sql`
      select a.attempt, a.provider, a.model, v.commit, a.digest, a.base
      from attempt a left join revision v on v.id = a.revision_id
      where a.job_id = ${id} order by a.attempt`),
    db.query<MergeRequestRow>(sql`
      select number, title, branch, base, head, state, merged_commit, merged_by, closed_at
      from merge_request
      where id = (select merge_request_id from job where id = ${id} union all
                  select merge_request_id from job_done where id = ${id})`),
  ]);
  const job = jobOf(row);
  const root = rootRow === undefined ? job : jobOf(rootRow);
  const jobs = chain.items.toReversed();
  const [mergeRequest] = mergeRequests;

  return {
    job,
    root,
    actor: root.trigger.actor,
    config: await findConfig(db, row.repo_id, job),
    obeyed,
    chain: jobs,
    gates: gates.items,
    merge_request:
      mergeRequest === undefined
        ? null
        : { ...mergeRequest, closed_at: timeOrNull(mergeRequest.closed_at) },
    cost: {
      tokens: jobs.reduce((sum, { cost }) => sum + cost.tokens, 0),
      usd: jobs.reduce((sum, { cost }) => sum + cost.usd, 0),
      jobs: jobs.length,
    },
  };
}

async function findConfig(
  db: Queryable,
  repoId: number,
  { trigger }: Job,
): Promise<Static<typeof Config> | null> {
  if (trigger.commit === undefined) {
    return null;
  }
  const [revision] = await db.query<{ author: string; subject: string }>(sql`
    select author, subject from revision
    where repo_id = ${repoId} and commit = ${trigger.commit} order by id desc limit 1`);
  return {
    commit: trigger.commit,
    line: trigger.line ?? null,
    author: revision?.author ?? null,
    subject: revision?.subject ?? null,
  };
}
