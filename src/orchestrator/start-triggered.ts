import { listObjectLines } from '../db/config-objects.ts';
import type { Db, Queryable } from '../db/db.ts';
import type { NewJob } from '../db/enqueue.ts';
import { notifyWork } from '../db/enqueue.ts';
import type { InboxEvent } from '../db/events.ts';
import { listNewEvents, settleEvent, takeEvents } from '../db/events.ts';
import type { JobRow } from '../db/job-rows.ts';
import { getJob } from '../db/job-rows.ts';
import { findMergeRequest } from '../db/merge-requests.ts';
import { findRevisionInForce } from '../db/revisions.ts';
import type { RevisionInForce } from '../db/revisions.ts';
import { insertGatedJobs } from '../db/run-gates.ts';
import type { Wake } from '../db/wake.ts';
import { isAgent } from '../domain/agent.ts';
import type { Agent } from '../domain/agent.ts';
import { isJsonObject } from '../domain/canonical-json.ts';
import { MOST_DEPTH } from '../domain/hand-off.ts';
import { lowest } from '../domain/role.ts';
import type { TriggerSpec } from '../domain/spec.ts';
import { renderTemplate } from '../domain/template.ts';
import type { HappenedEvent } from '../domain/trigger-match.ts';
import { matchTrigger } from '../domain/trigger-match.ts';
import { AppError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import type { Service } from '../kernel/service.ts';
import { contain, isPassing } from './contain.ts';

const BATCH = 50;
const POLL_MS = 1000;

export interface TriggerDeps {
  db: Db;
  log: Log;
  standingTask: (agent: Agent) => { title: string; task: string };
  matches: (glob: string, text: string) => boolean;
}

/** Turns what happened into jobs, by the triggers of the file in force. */
export function createTriggerService(deps: TriggerDeps & { wake: Wake }): Service {
  return async (signal) => {
    while (!signal.aborted) {
      const sequence = deps.wake.sequence();
      if ((await handleEvents(deps)) === 0) {
        await deps.wake.wait(sequence, POLL_MS, signal);
      }
    }
  };
}

/**
 * Handles the oldest events in one transaction: their jobs and the word that they are handled stand or fall
 * together, so none is lost and none counts twice. Where that fails for a reason of one event, each is handled
 * alone: what cannot be done keeps its error, a bug sets the event aside, and the others go on. Answers how many
 * were handled.
 */
export async function handleEvents(deps: TriggerDeps): Promise<number> {
  const { db, log } = deps;
  const ids = await listNewEvents(db, BATCH);
  if (ids.length === 0) {
    return 0;
  }
  let handled: number;
  try {
    handled = await db.transaction((tx) => handle(deps, tx, ids));
  } catch (error) {
    if (isPassing(error)) {
      throw error;
    }
    log.warn({ err: error }, 'events could not be handled together');
    handled = 0;
    for (const id of ids) {
      handled += await handleOne(deps, id);
    }
  }
  if (handled > 0) {
    await notifyWork(db);
    log.info({ handled }, 'events handled');
  }
  return handled;
}

async function handleOne(deps: TriggerDeps, id: number): Promise<number> {
  const { db } = deps;
  let handled = 0;
  await contain(deps, { sweep: 'event', rowId: id }, async () => {
    try {
      handled = await db.transaction((tx) => handle(deps, tx, [id]));
    } catch (error) {
      if (!(error instanceof AppError) || error.retryable) {
        throw error;
      }
      handled = await db.transaction(async (tx) => {
        const [event] = await takeEvents(tx, [id]);
        if (event) {
          await settleEvent(tx, event.id, { jobs: [], error: error.message });
        }
        return event ? 1 : 0;
      });
    }
  });
  return handled;
}

async function handle(
  deps: TriggerDeps,
  tx: Queryable,
  eventIds: readonly number[],
): Promise<number> {
  const started: { event: InboxEvent; jobs: NewJob[] }[] = [];
  for (const event of await takeEvents(tx, eventIds)) {
    started.push({ event, jobs: await jobsOf(deps, tx, event) });
  }
  // All jobs in one call: it locks lanes, and nothing else of the queue may be locked after that.
  const ids = await insertGatedJobs(
    tx,
    started.flatMap(({ jobs }) => jobs),
  );
  let at = 0;
  for (const { event, jobs } of started) {
    await settleEvent(tx, event.id, { jobs: ids.slice(at, at + jobs.length) });
    at += jobs.length;
  }
  return started.length;
}

async function jobsOf(deps: TriggerDeps, tx: Queryable, event: InboxEvent): Promise<NewJob[]> {
  const revision = await findRevisionInForce(tx, event.repoId);
  if (!revision) {
    return [];
  }
  const cause = await causeOf(tx, event);
  const ours = isOurs(event);
  // What our own acts set off belongs to the chain that it came from, and ends where hand-offs end.
  if (cause && ours && cause.depth >= MOST_DEPTH) {
    return [];
  }
  const happened = describe(event, cause);
  const lines = await listObjectLines(tx, event.repoId, 'trigger');
  const about = await subjectOf(tx, event);
  return Object.entries(revision.spec.triggers).flatMap(([name, trigger]) => {
    const listed = revision.spec.agents[trigger.agent]?.enabled === true;
    return listed && matchTrigger(trigger, happened, deps.matches) === undefined
      ? [
          jobOf(deps, {
            name,
            trigger,
            line: lines.get(name) ?? 1,
            event,
            ours,
            about,
            happened,
            cause,
            revision,
          }),
        ]
      : [];
  });
}

/** Our own acts: what an effect changed, and that a job of ours succeeded. A merge is the person's who made it. */
function isOurs({ effectId, type }: InboxEvent): boolean {
  return effectId !== null || type === 'job_succeeded';
}

type About = Pick<NewJob, 'subject' | 'base' | 'branch' | 'mergeRequestId'>;

/** What a job is about, and what it continues: a merge request that is open works on, one that is not is history. */
async function subjectOf(tx: Queryable, { payload }: InboxEvent): Promise<About> {
  const told = payload['merge_request'];
  if (isJsonObject(told)) {
    const id = told['id'];
    const request = typeof id === 'number' ? await findMergeRequest(tx, id) : undefined;
    const subject = { kind: 'merge_request' as const, id: Number(told['number']) };
    return request?.state === 'open'
      ? { subject, mergeRequestId: request.id, branch: request.branch, base: request.head }
      : { subject };
  }
  const issue = payload['issue'];
  return isJsonObject(issue) && typeof issue['number'] === 'number'
    ? { subject: { kind: 'issue', id: issue['number'] } }
    : {};
}

async function causeOf(tx: Queryable, event: InboxEvent): Promise<JobRow | undefined> {
  const id = event.payload['job_id'];
  return typeof id === 'number' ? getJob(tx, id) : undefined;
}

function jobOf(
  { standingTask }: TriggerDeps,
  {
    name,
    trigger,
    line,
    event,
    ours,
    about,
    happened,
    cause,
    revision,
  }: {
    name: string;
    trigger: TriggerSpec;
    line: number;
    event: InboxEvent;
    ours: boolean;
    about: About;
    happened: HappenedEvent;
    cause: JobRow | undefined;
    revision: RevisionInForce;
  },
): NewJob {
  const standing = standingTask(trigger.agent);
  const task =
    trigger.task === undefined ? standing.task : renderTemplate(trigger.task, happened.values);
  return {
    repoId: event.repoId,
    agent: trigger.agent,
    title:
      trigger.task === undefined
        ? standing.title
        : (task.trim().split('\n', 1)[0] ?? '').slice(0, 120),
    task,
    trust: ours && cause ? lowest(cause.trust, 'owner') : happened.role,
    // Belt and braces beside the event's lock: an event starts a trigger once, whoever handles it.
    dedupeKey: `trigger:${event.repoId}:${name}:${event.id}`,
    ...(ours && cause && { rootId: cause.rootId, parentId: cause.id, depth: cause.depth + 1 }),
    ...about,
    trigger: {
      kind: 'trigger',
      name,
      actor: ours ? 'autodev' : happened.actor,
      line,
      commit: revision.commit,
      event_id: event.id,
    },
  };
}

/** The event as triggers see it. On the local forge whoever may commit here is the owner. */
function describe(event: InboxEvent, cause: JobRow | undefined): HappenedEvent {
  const { type, payload } = event;
  const issue = isJsonObject(payload['issue']) ? payload['issue'] : {};
  const request = isJsonObject(payload['merge_request']) ? payload['merge_request'] : {};
  const ref = payload['ref'];
  const agent = cause?.agent ?? payload['agent'];
  return {
    type,
    role: isOurs(event) ? 'autodev' : 'owner',
    actor: text(payload['actor']) || 'owner',
    labels: texts(issue['labels']),
    ...(typeof ref === 'string' && { ref }),
    ...(typeof agent === 'string' && isAgent(agent) && { agent }),
    paths: texts(payload['paths']),
    values: {
      event: type,
      actor: text(payload['actor']),
      ref: text(ref),
      commit: text(payload['sha']),
      'issue.number': text(issue['number']),
      'issue.title': text(issue['title']),
      'issue.description': text(issue['description']),
      'issue.labels': texts(issue['labels']).join(', '),
      'merge_request.number': text(request['number']),
      'merge_request.title': text(request['title']),
      'merge_request.description': text(request['description']),
      'merge_request.source_branch': text(request['branch']),
      'job.id': cause ? `j_${cause.id}` : '',
      'job.agent': cause?.agent ?? '',
      'job.title': cause?.title ?? '',
    },
  };
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.map(text) : [];
}

function text(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}
