import type { Static } from 'typebox';
import { Type } from 'typebox';

import type { TraceRef } from '../../domain/trace-ref.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Queryable } from '../db.ts';
import { sql } from '../sql.ts';
import { Gate, findGate, listGates } from './gate-list.ts';
import type { JobFilter } from './job-list.ts';
import { Job, listJobs } from './job-list.ts';
import { RevisionTrace, findRevision } from './revision-trace.ts';
import { findCommit } from './trace-commit.ts';
import { findFileInForce, findObjectAtLine, jobsOfObject } from './trace-line.ts';
import { Trace, traceJob } from './trace.ts';
import { Json, orNull } from './wire.ts';

/** How many of the jobs that something caused are shown. */
const SHOWN_JOBS = 20;

export const RefTrace = Type.Object({
  kind: Type.Enum(['job', 'gate', 'merge_request', 'commit', 'line']),
  job: orNull(Trace),
  commit: orNull(Type.String({ description: 'In full; of a line, that of the file in force' })),
  object: orNull(
    Type.Object({ kind: Type.String(), name: Type.String(), line: Type.Integer(), spec: Json }),
  ),
  revision: orNull(RevisionTrace),
  jobs: Type.Array(Job, {
    description: 'The last that it caused, or that worked on it, newest first',
  }),
  gates: Type.Array(Gate, { description: 'Of these jobs and of the revision, with their votes' }),
});

/** Where something comes from, who agreed, what came of it and what it cost. */
export type RefTrace = Omit<Static<typeof RefTrace>, 'job' | 'jobs'> & {
  job: Trace | null;
  jobs: Job[];
};

/**
 * Traces what `ref` points at.
 *
 * @throws {AppError} NOT_FOUND; CONFLICT where several could be meant, with all of them in the remedy
 */
export async function traceRef(
  db: Queryable,
  ref: TraceRef,
  { repoId }: { repoId?: number | undefined } = {},
): Promise<RefTrace> {
  switch (ref.kind) {
    case 'job':
      return ofJob('job', await tracedJob(db, ref.id));
    case 'gate':
      return traceGate(db, ref.id);
    case 'merge_request':
      return traceMergeRequest(db, ref.number, repoId);
    case 'commit':
      return traceCommit(db, ref.prefix, repoId);
    case 'line':
      return traceLine(db, ref, repoId);
    default:
      return ref satisfies never;
  }
}

function ofJob(kind: RefTrace['kind'], job: Trace): RefTrace {
  return {
    kind,
    job,
    commit: null,
    object: null,
    revision: null,
    jobs: job.chain,
    gates: job.gates,
  };
}

async function tracedJob(db: Queryable, id: number): Promise<Trace> {
  return orMissing(await traceJob(db, id), `job j_${id}`);
}

async function traceGate(db: Queryable, id: number): Promise<RefTrace> {
  const gate = orMissing(await findGate(db, id), `gate g_${id}`);
  const [row] = await db.query<{ job_id: number | null; revision_id: number | null }>(
    sql`select job_id, revision_id from gate where id = ${id}`,
  );
  if (row?.job_id !== null && row?.job_id !== undefined) {
    return ofJob('gate', await tracedJob(db, row.job_id));
  }
  const revision = row?.revision_id ? await findRevision(db, row.revision_id) : undefined;
  return {
    kind: 'gate',
    job: null,
    commit: revision?.commit ?? gate.head,
    object: null,
    revision: revision ?? null,
    jobs: [],
    gates: [gate],
  };
}

async function traceMergeRequest(
  db: Queryable,
  number: number,
  repoId: number | undefined,
): Promise<RefTrace> {
  const ofRepo = repoId === undefined ? sql`true` : sql`m.repo_id = ${repoId}`;
  const found = await db.query<{ id: number; job_id: number; path: string; title: string }>(sql`
    select m.id, m.job_id, r.path, m.title from merge_request m join repo r on r.id = m.repo_id
    where m.number = ${number} and ${ofRepo} order by m.repo_id limit 10`);
  const request = onlyOne(found, {
    what: `merge request !${number}`,
    name: ({ path, title }) => `!${number} of ${path} (${title})`,
    remedy: 'say which repository with --repo',
  });
  const { items: jobs } = await listJobs(db, { mergeRequestId: request.id }, { limit: SHOWN_JOBS });
  return { ...ofJob('merge_request', await tracedJob(db, request.job_id)), jobs };
}

async function traceCommit(
  db: Queryable,
  prefix: string,
  repoId: number | undefined,
): Promise<RefTrace> {
  const { commit, jobId, revisionId, ...known } = onlyOne(
    await findCommit(db, prefix, { repoId }),
    {
      what: `commit ${prefix} that a job brought or that changed autodev.yaml`,
      name: (each) => `${each.commit.slice(0, 16)} of ${each.path}`,
      remedy: 'type more digits, or say which repository with --repo',
    },
  );
  const job = jobId === null ? undefined : await traceJob(db, jobId);
  const caused =
    revisionId === null
      ? undefined
      : await readCaused(db, { repoId: known.repoId, cause: { commit } }, revisionId);
  return {
    kind: 'commit',
    job: job ?? null,
    commit,
    object: null,
    revision: caused?.revision ?? null,
    jobs: caused?.jobs ?? job?.chain ?? [],
    gates: [...(job?.gates ?? []), ...(caused?.gates ?? [])],
  };
}

async function traceLine(
  db: Queryable,
  { file, line }: { file: string; line: number },
  repoId: number | undefined,
): Promise<RefTrace> {
  const repo = repoId ?? (await onlyRepo(db));
  const inForce = orMissing(await findFileInForce(db, repo), `${file} in force in this repository`);
  const lines = inForce.source.replace(/\n$/u, '').split('\n').length;
  if (line > lines) {
    throw new AppError(
      'NOT_FOUND',
      `${file} has ${lines} lines at ${inForce.commit.slice(0, 12)}`,
      {
        remedy: '`autodev status --annotate` shows the file in force',
      },
    );
  }
  const { revisionId, ...object } = orMissing(
    await findObjectAtLine(db, repo, line),
    `object of ${file} at line ${line}`,
  );
  const caused = await readCaused(db, jobsOfObject(object, repo), revisionId);
  return { kind: 'line', job: null, commit: inForce.commit, object, ...caused };
}

/** A revision, with the last jobs of `filter` and the votes on all of them. */
async function readCaused(
  db: Queryable,
  filter: JobFilter,
  revisionId: number,
): Promise<Pick<RefTrace, 'revision' | 'jobs' | 'gates'>> {
  const [revision, { items: jobs }] = await Promise.all([
    findRevision(db, revisionId),
    listJobs(db, filter, { limit: SHOWN_JOBS }),
  ]);
  const about = {
    jobIds: jobs.map(({ id }) => Number(id.slice(2))),
    revisionIds: [revisionId],
  };
  const { items: gates } = await listGates(db, { about }, { limit: 50 });
  return { revision: revision ?? null, jobs, gates };
}

async function onlyRepo(db: Queryable): Promise<number> {
  const found = await db.query<{ id: number; path: string }>(
    sql`select id, path from repo where removed_at is null order by id limit 10`,
  );
  return onlyOne(found, {
    what: 'repository',
    name: ({ path }) => path,
    remedy: 'say which repository with --repo',
  }).id;
}

function onlyOne<T>(
  found: readonly T[],
  { what, name, remedy }: { what: string; name: (one: T) => string; remedy: string },
): T {
  const [first, ...others] = found;
  if (others.length > 0) {
    throw new AppError('CONFLICT', `several could be meant: ${found.map(name).join(', ')}`, {
      remedy,
    });
  }
  return orMissing(first, what);
}

function orMissing<T>(value: T | undefined, what: string): T {
  if (value === undefined) {
    throw new AppError('NOT_FOUND', `there is no ${what}`);
  }
  return value;
}
