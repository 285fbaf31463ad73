import { listObjectLines } from '../db/config-objects.ts';
import type { Db, Queryable } from '../db/db.ts';
import type { NewJob } from '../db/enqueue.ts';
import { notifyWork } from '../db/enqueue.ts';
import type { InboxEvent } from '../db/events.ts';
import { listNewEvents, settleEvent, takeEvents } from '../db/events.ts';
import { addHints } from '../db/hints.ts';
import type { JobRow } from '../db/job-rows.ts';
import { getJob } from '../db/job-rows.ts';
import { findRevisionInForce } from '../db/revisions.ts';
import type { RevisionInForce } from '../db/revisions.ts';
import { insertGatedJobs } from '../db/run-gates.ts';
import type { Wake } from '../db/wake.ts';
import type { Agent } from '../domain/agent.ts';
import { MOST_DEPTH } from '../domain/hand-off.ts';
import { hintKey } from '../domain/hint.ts';
import { lowest } from '../domain/role.ts';
import type { TriggerSpec } from '../domain/spec.ts';
import { renderTemplate } from '../domain/template.ts';
import { matchTrigger } from '../domain/trigger-match.ts';
import { AppError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import type { Service } from '../kernel/service.ts';
import { contain, isPassing } from './contain.ts';
import type { About, DescribedEvent } from './describe-event.ts';
import { describeEvent, isOurs, subjectOf, unreadSubject } from './describe-event.ts';

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
  const unread: { repoId: number; subject: string }[] = [];
  for (const event of await takeEvents(tx, eventIds)) {
    const subject = unreadSubject(event);
    if (subject !== undefined) {
      unread.push({ repoId: event.repoId, subject: hintKey(subject) });
    }
    started.push({ event, jobs: subject ? [] : await jobsOf(deps, tx, event) });
  }
  await addHints(tx, unread);
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
  const happened = describeEvent(event, cause);
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
    happened: DescribedEvent;
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
    trust: ours && cause ? lowest(cause.trust, 'owner') : lowest(happened.role, happened.trust),
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
