import type { NameBindings } from '../domain/forge-question.ts';
import type { Queryable } from './db.ts';
import type { NamedRule } from './gates.ts';
import type { Repo } from './repos.ts';
import { isFree } from './setbacks.ts';
import { sql } from './sql.ts';

/** The channel that wakes who looks at merge requests. */
export const REVIEW_CHANNEL = 'forge_review';

/** A merge request of a forge at which people vote. */
export interface ForgeReview {
  readonly repo: Repo;
  readonly number: number;
  readonly kind: 'merge' | 'run' | 'config';
  readonly mergeRequestId: number | null;
  readonly gateId: number | null;
  /** Heads that we published, oldest first. */
  readonly published: readonly string[];
  /** Threads to be answered with the next head that we publish. */
  readonly threads: readonly string[];
  /** Notes that were commands and were carried out. */
  readonly handled: readonly string[];
  /** The head that was approved when we began to merge it. */
  readonly cleared: string | null;
  readonly epoch: number;
  readonly failures: number;
  /** Our note there, as we wrote it last. */
  readonly said: string | null;
  readonly remindedAt: Date | null;
}

/** Begins to look at a merge request, or adds a head that we published to one that is looked at. */
export async function watchReview(
  tx: Queryable,
  {
    repoId,
    number,
    kind,
    mergeRequestId = null,
    gateId = null,
    published,
  }: {
    repoId: number;
    number: number;
    kind: ForgeReview['kind'];
    mergeRequestId?: number | null;
    gateId?: number | null;
    published: string | undefined;
  },
): Promise<void> {
  await tx.query(sql`
    insert into forge_review as r (repo_id, number, kind, merge_request_id, gate_id, published)
    values (${repoId}, ${number}, ${kind}, ${mergeRequestId}::bigint, ${gateId}::bigint,
      array_remove(array[${published ?? null}::text], null))
    on conflict (repo_id, number) do update set
      merge_request_id = excluded.merge_request_id, gate_id = excluded.gate_id, kind = excluded.kind,
      published = case when r.published @> excluded.published
        and r.published[cardinality(r.published)] is not distinct from excluded.published[1]
        then r.published else r.published || excluded.published end,
      state = 'open', due_at = now(), failures = 0, error = null
  `);
  await tx.query(sql`select pg_notify(${REVIEW_CHANNEL}, '')`);
}

/** Somebody said that something happened to it. Answers whether it is one that we look at. */
export async function lookSoon(
  db: Queryable,
  { repoId, number }: { repoId: number; number: number },
): Promise<boolean> {
  const rows = await db.query(sql`
    with due as (
      update forge_review set due_at = now()
      where repo_id = ${repoId} and number = ${number} and state = 'open' returning 1
    )
    select pg_notify(${REVIEW_CHANNEL}, '') from due
  `);
  return rows.length > 0;
}

/** Leases merge requests whose turn it is; the oldest first. */
export function takeReviews(
  db: Queryable,
  { leaseMs, limit }: { leaseMs: number; limit: number },
): Promise<ForgeReview[]> {
  return db.query<ForgeReview>(sql`
    with due as (
      select f.repo_id, f.number from forge_review f join repo r on r.id = f.repo_id
      where f.state = 'open' and f.due_at <= now() and (f.lease_until is null or f.lease_until < now())
        and r.forge = 'gitlab' and r.removed_at is null
      order by f.due_at limit ${limit} for update of f skip locked
    )
    update forge_review f
    set lease_until = now() + ${leaseMs}::float8 * interval '1 millisecond', epoch = f.epoch + 1
    from due join repo r on r.id = due.repo_id
    where f.repo_id = due.repo_id and f.number = due.number
    returning jsonb_build_object('id', r.id, 'path', r.path, 'forge', r.forge, 'location', r.location, 'branch', r.branch)
        as repo,
      f.number, f.kind, f.merge_request_id as "mergeRequestId", f.gate_id as "gateId", f.published, f.threads,
      f.handled, f.cleared, f.epoch, f.failures, f.said, f.reminded_at as "remindedAt"
  `);
}

type Leased = Pick<ForgeReview, 'repo' | 'number' | 'epoch'>;

/** Whether the lease still holds; locks the row, so that nobody else acts until the transaction ends. */
export async function holdsReview(
  tx: Queryable,
  { repo, number, epoch }: Leased,
): Promise<boolean> {
  const rows = await tx.query(sql`
    select 1 from forge_review
    where repo_id = ${repo.id} and number = ${number} and epoch = ${epoch} and state = 'open' for update
  `);
  return rows.length > 0;
}

/** What a look came to. What is left out stays as it is. */
export interface ReviewOutcome {
  readonly againMs?: number;
  readonly done?: boolean;
  readonly verdict?: unknown;
  readonly said?: string;
  readonly handled?: readonly string[];
  readonly threads?: readonly string[];
  readonly reminded?: boolean;
  readonly cleared?: string;
}

/** Writes down what a look came to, where the lease still holds; `againMs` ends the lease. */
export async function noteReview(
  tx: Queryable,
  { repo, number, epoch }: Leased,
  outcome: ReviewOutcome,
): Promise<void> {
  const { againMs = null, verdict, handled, threads } = outcome;
  await tx.query(sql`
    update forge_review set
      state = case when ${outcome.done ?? false}::boolean then 'done' else state end,
      due_at = case when ${againMs}::float8 is null then due_at
        else now() + ${againMs}::float8 * interval '1 millisecond' end,
      lease_until = case when ${againMs}::float8 is null and not ${outcome.done ?? false}::boolean then lease_until end,
      verdict = coalesce(${verdict === undefined ? null : JSON.stringify(verdict)}::jsonb, verdict),
      looked_at = case when ${verdict === undefined}::boolean then looked_at else now() end,
      said = coalesce(${outcome.said ?? null}::text, said),
      handled = handled || ${handled ?? []}::text[],
      cleared = coalesce(${outcome.cleared ?? null}::text, cleared),
      threads = coalesce(${threads ?? null}::text[], threads),
      reminded_at = case when ${outcome.reminded ?? false}::boolean then now() else reminded_at end,
      failures = 0, error = null
    where repo_id = ${repo.id} and number = ${number} and epoch = ${epoch}
  `);
}

/** Gives a merge request back that could not be looked at. */
export async function putOffReview(
  db: Queryable,
  { repo, number, epoch }: Leased,
  { againMs, error }: { againMs: number; error: string },
): Promise<void> {
  await db.query(sql`
    update forge_review set failures = failures + 1, error = ${error}, lease_until = null,
      due_at = now() + ${againMs}::float8 * interval '1 millisecond'
    where repo_id = ${repo.id} and number = ${number} and epoch = ${epoch}
  `);
}

/** Open gates of jobs that wait to start, which nobody has put to people on their forge yet. */
export function listUnproposedRuns(
  db: Queryable,
  limit: number,
): Promise<
  {
    id: number;
    repoId: number;
    jobId: number;
    title: string;
    body: string;
    rules: readonly NamedRule[];
  }[]
> {
  return db.query(sql`
    select g.id, g.repo_id as "repoId", g.job_id as "jobId", g.title, g.body, g.rules
    from gate g join repo r on r.id = g.repo_id
    where g.state = 'open' and g.kind = 'run' and r.forge = 'gitlab' and r.removed_at is null
      and not exists (select from forge_review f where f.gate_id = g.id) and ${isFree('proposal', sql`g.id`)}
    order by g.id limit ${limit}
  `);
}

/** Revisions in force whose names nobody has bound to ids yet. */
export function listUnboundRevisions(
  db: Queryable,
  limit: number,
): Promise<{ revisionId: number; users: string[]; groups: string[] }[]> {
  return db.query(sql`
    select v.id as "revisionId",
      coalesce((select array_agg(distinct u) from jsonb_each(v.spec -> 'approvals') a,
        jsonb_array_elements_text(a.value -> 'users') u), '{}') as users,
      coalesce((select array_agg(distinct g) from jsonb_each(v.spec -> 'approvals') a,
        jsonb_array_elements_text(a.value -> 'groups') g), '{}') as groups
    from repo_sync s join repo r on r.id = s.repo_id join revision v on v.id = s.revision_id
    where r.forge = 'gitlab' and r.removed_at is null
      and not exists (select from name_binding b where b.revision_id = v.id)
    limit ${limit}
  `);
}

/** Binds the names of a revision, once: who has a name later does not get what it was given. */
export async function bindRevision(
  db: Queryable,
  revisionId: number,
  { users, groups }: NameBindings,
): Promise<void> {
  await db.query(sql`
    insert into name_binding (revision_id, users, groups)
    values (${revisionId}, ${JSON.stringify(users)}::jsonb, ${JSON.stringify(groups)}::jsonb)
    on conflict do nothing
  `);
}

/** Undefined: the names of this revision are not bound yet. */
export async function findBindings(
  db: Queryable,
  revisionId: number,
): Promise<NameBindings | undefined> {
  const [row] = await db.query<NameBindings>(sql`
    select users, groups from name_binding where revision_id = ${revisionId}
  `);
  return row;
}

/** What the pause of a lane begins with whose work was merged below its rule. */
export const BYPASSED = 'Merged below its rule';

/**
 * Keeps the condition that says so equal to the pauses that are in force: who resumes the agent has looked into it.
 * The reconciler writes the whole list from what it read before, so this is said again until it stays.
 */
export async function syncBypasses(db: Queryable): Promise<void> {
  await db.query(sql`
    with wanted as (
      select s.repo_id, (
        select min(c.reason) from control c
        where c.repo_id = s.repo_id and c.verb = 'pause' and c.lifted_at is null and c.actor = 'autodev'
          and starts_with(c.reason, ${BYPASSED})) as reason
      from repo_sync s join repo r on r.id = s.repo_id
      where r.forge = 'gitlab' and r.removed_at is null
    )
    update repo_sync s set conditions =
      (select coalesce(jsonb_agg(c), '[]') from jsonb_array_elements(s.conditions) c where c ->> 'type' <> 'ApprovalBypassed')
      || case when w.reason is null then '[]'::jsonb else jsonb_build_array(jsonb_build_object(
        'type', 'ApprovalBypassed', 'status', 'True', 'reason', 'MergedBelowRule', 'message', w.reason,
        'lastTransitionTime', floor(extract(epoch from now()) * 1000))) end
    from wanted w
    where s.repo_id = w.repo_id
      and (w.reason is not null) <> jsonb_path_exists(s.conditions, '$[*] ? (@.type == "ApprovalBypassed")')
  `);
}
