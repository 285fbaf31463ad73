import type { Static } from 'typebox';
import { Type } from 'typebox';

import type { Condition } from '../../domain/conditions.ts';
import { JOB_STATES, isFinal, jobStateOf } from '../../domain/job-state.ts';
import type { Queryable } from '../db.ts';
import type { Sql } from '../sql.ts';
import { sql } from '../sql.ts';
import { LAST_DELIVERY, LastDelivery } from './hooks.ts';
import { readSandbox, withSandbox } from './sandbox.ts';
import { conditionOf } from './wire-json.ts';
import type { Page } from './wire.ts';
import { Json, Time, orNull, page, time, timeOrNull } from './wire.ts';

const ACTIVE_STATES = JOB_STATES.filter((state) => !isFinal(state));

const Revision = Type.Object({
  id: Type.String(),
  commit: Type.String(),
  author: Type.String(),
  subject: Type.String(),
  state: Type.String(),
  applied_at: orNull(Time),
});

/** In microseconds, so that two asks are never one; such texts compare as the times do. */
const Asked = Type.String({
  description:
    'Whoever asked for a look has its answer once `answered_at` is not before the `asked_at` of then',
});

export const Repo = Type.Object({
  id: Type.String(),
  path: Type.String(),
  forge: Type.Enum(['local', 'gitlab']),
  location: Type.String(),
  branch: Type.String(),
  head: orNull(Type.String({ description: 'The default branch, as it was seen last' })),
  checked_at: orNull(Time),
  pending: Type.Boolean({ description: 'Somebody asked for a look, or one is under way' }),
  asked_at: orNull(Asked),
  answered_at: orNull(Asked),
  revision: orNull(Revision),
  held: orNull(Revision),
  suspended: orNull(Type.String()),
  conditions: Type.Array(Json, {
    description: 'type, status, reason, message, observed_revision, last_transition_time',
  }),
  diagnostics: Type.Array(Json),
  jobs: Type.Record(Type.String(), Type.Integer(), {
    description: 'How many jobs that are not final stand in each state',
  }),
  open_gates: Type.Integer(),
  last_delivery_at: LastDelivery,
  created_at: Time,
});

/** A registered repository: what is in force, how reading its file went, and what is under way. */
export type Repo = Static<typeof Repo>;

interface RepoRow {
  id: number;
  path: string;
  forge: Repo['forge'];
  location: string;
  branch: string;
  created_at: Date;
  head: string | null;
  checked_at: Date | null;
  pending: boolean | null;
  asked_at: string | null;
  answered_at: string | null;
  suspended: string | null;
  conditions: unknown[] | null;
  diagnostics: unknown[] | null;
  open_gates: number;
  last_delivery_at: Date | null;
  jobs: Record<string, number> | null;
  revision: RevisionJson | null;
  held: RevisionJson | null;
}

type RevisionJson = {
  id: number;
  commit: string;
  author: string;
  subject: string;
  state: string;
  applied_at: string | null;
};

/** Repositories in the order of their registration; removed ones are left out. */
export async function listRepos(
  db: Queryable,
  { limit, after = 0 }: { limit: number; after?: number | undefined },
): Promise<Page<Repo>> {
  const [rows, sandbox] = await Promise.all([
    db.query<RepoRow>(
      sql`${REPOS} where r.removed_at is null and r.id > ${after}::bigint order by r.id limit ${limit + 1}`,
    ),
    readSandbox(db),
  ]);
  return page(rows, limit, { key: (row) => row.id, item: (row) => repoOf(row, sandbox) });
}

export async function findRepo(db: Queryable, id: number): Promise<Repo | undefined> {
  const [row] = await db.query<RepoRow>(sql`${REPOS} where r.removed_at is null and r.id = ${id}`);
  return row && repoOf(row, await readSandbox(db));
}

/** The id of a repository that people named by id (`3`) or path (`group/app`); undefined: there is none. */
export async function findRepoId(db: Queryable, name: string): Promise<number | undefined> {
  const [row] = await db.query<{ id: number }>(sql`
    select id from repo
    where removed_at is null and (path = ${name} or id::text = ${name})
    order by path = ${name} desc limit 1`);
  return row?.id;
}

const REVISION_COLUMNS = sql`jsonb_build_object('id', v.id, 'commit', v.commit, 'author', v.author,
  'subject', v.subject, 'state', v.state, 'applied_at', v.applied_at)`;

function micros(column: Sql): Sql {
  return sql`to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
}

const REPOS: Sql = sql`
  select r.id, r.path, r.forge, r.location, r.branch, r.created_at,
    s.head, s.checked_at, s.dirty_at is not null or s.lease_until > now() as pending,
    ${micros(sql`s.dirty_at`)} as asked_at, ${micros(sql`s.answered_at`)} as answered_at,
    s.suspended, s.conditions, s.diagnostics,
    (select count(*)::int from gate g where g.repo_id = r.id and g.state = 'open') as open_gates,
    ${LAST_DELIVERY} as last_delivery_at,
    (select jsonb_object_agg(state, n) from
       (select state, count(*) as n from job where repo_id = r.id group by state) q) as jobs,
    (select ${REVISION_COLUMNS} from revision v where v.id = s.revision_id) as revision,
    (select ${REVISION_COLUMNS} from revision v
      where v.repo_id = r.id and v.state = 'held' and v.id > coalesce(s.revision_id, 0)
      order by v.id desc limit 1) as held
  from repo r
  left join repo_sync s on s.repo_id = r.id`;

function repoOf(row: RepoRow, sandbox: Condition | undefined): Repo {
  const counts = new Map(
    Object.entries(row.jobs ?? {}).map(([code, n]) => [jobStateOf(Number(code)), n]),
  );
  return {
    id: String(row.id),
    path: row.path,
    forge: row.forge,
    location: row.location,
    branch: row.branch,
    head: row.head,
    checked_at: timeOrNull(row.checked_at),
    pending: row.pending ?? false,
    asked_at: row.asked_at,
    answered_at: row.answered_at,
    revision: revisionOf(row.revision),
    held: revisionOf(row.held),
    suspended: row.suspended,
    conditions: withSandbox(row.conditions ?? [], sandbox).map(conditionOf),
    diagnostics: row.diagnostics ?? [],
    jobs: Object.fromEntries(ACTIVE_STATES.map((state) => [state, counts.get(state) ?? 0])),
    open_gates: row.open_gates,
    last_delivery_at: timeOrNull(row.last_delivery_at),
    created_at: time(row.created_at),
  };
}

function revisionOf(revision: RevisionJson | null): Static<typeof Revision> | null {
  return (
    revision && {
      ...revision,
      id: String(revision.id),
      applied_at: revision.applied_at === null ? null : time(new Date(revision.applied_at)),
    }
  );
}
