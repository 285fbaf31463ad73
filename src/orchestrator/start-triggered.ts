import { listObjectLines } from '../db/config-objects.ts';
import type { Db, Queryable } from '../db/db.ts';
import type { NewJob } from '../db/enqueue.ts';
import { insertJobs, notifyWork } from '../db/enqueue.ts';
import type { InboxEvent } from '../db/events.ts';
import { settleEvent, takeEvents } from '../db/events.ts';
import type { JobRow } from '../db/job-rows.ts';
import { getJob } from '../db/job-rows.ts';
import { findRevisionInForce } from '../db/revisions.ts';
import type { RevisionInForce } from '../db/revisions.ts';
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
import type { Log } from '../kernel/log.ts';
import type { Service } from '../kernel/service.ts';

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
 * together, so none is lost and none counts twice. Answers how many were handled.
 */
export async function handleEvents(deps: TriggerDeps): Promise<number> {
  const handled = await deps.db.transaction(async (tx) => {
    const events = await takeEvents(tx, BATCH);
    const started = [];
    for (const event of events) {
      started.push({ event, jobs: await jobsOf(deps, tx, event) });
    }
    // All jobs in one call: it locks lanes, and nothing else of the queue may be locked after that.
    const ids = await insertJobs(
      tx,
      started.flatMap(({ jobs }) => jobs),
    );
    let at = 0;
    for (const { event, jobs } of started) {
      await settleEvent(tx, event.id, { jobs: ids.slice(at, at + jobs.length) });
      at += jobs.length;
    }
    return events.length;
  });
  if (handled > 0) {
    await notifyWork(deps.db);
    deps.log.info({ handled }, 'events handled');
  }
  return handled;
}

async function jobsOf(deps: TriggerDeps, tx: Queryable, event: InboxEvent): Promise<NewJob[]> {
  const revision = await findRevisionInForce(tx, event.repoId);
  if (!revision) {
    return [];
  }
  const cause = await causeOf(tx, event);
  // What our own acts set off belongs to the chain that it came from, and ends where hand-offs end.
  if (cause && event.effectId !== null && cause.depth >= MOST_DEPTH) {
    return [];
  }
  const happened = describe(event, cause);
  const lines = await listObjectLines(tx, event.repoId, 'trigger');
  return Object.entries(revision.spec.triggers).flatMap(([name, trigger]) => {
    const listed = revision.spec.agents[trigger.agent]?.enabled === true;
    return listed && matchTrigger(trigger, happened, deps.matches) === undefined
      ? [
          jobOf(deps, {
            name,
            trigger,
            line: lines.get(name) ?? 1,
            event,
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
    happened,
    cause,
    revision,
  }: {
    name: string;
    trigger: TriggerSpec;
    line: number;
    event: InboxEvent;
    happened: HappenedEvent;
    cause: JobRow | undefined;
    revision: RevisionInForce;
  },
): NewJob {
  const standing = standingTask(trigger.agent);
  const task =
    trigger.task === undefined ? standing.task : renderTemplate(trigger.task, happened.values);
  const ours = event.effectId !== null;
  const request = event.payload['merge_request'];
  const continues =
    isJsonObject(request) &&
    typeof request['id'] === 'number' &&
    typeof event.payload['sha'] === 'string'
      ? {
          mergeRequestId: request['id'],
          base: event.payload['sha'],
          branch: text(request['branch']),
          subject: { kind: 'merge_request' as const, id: Number(request['number']) },
        }
      : {};
  return {
    repoId: event.repoId,
    agent: trigger.agent,
    title:
      trigger.task === undefined
        ? standing.title
        : (task.trim().split('\n', 1)[0] ?? '').slice(0, 120),
    task,
    trust: ours && cause ? lowest(cause.trust, 'owner') : happened.role,
    dedupeKey: `trigger:${event.repoId}:${name}:${event.id}`,
    ...(ours && cause && { rootId: cause.rootId, parentId: cause.id, depth: cause.depth + 1 }),
    ...continues,
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
function describe(
  { type, payload, effectId }: InboxEvent,
  cause: JobRow | undefined,
): HappenedEvent {
  const issue = isJsonObject(payload['issue']) ? payload['issue'] : {};
  const request = isJsonObject(payload['merge_request']) ? payload['merge_request'] : {};
  const labels = issue['labels'];
  const ref = payload['ref'];
  const agent = cause?.agent ?? payload['agent'];
  return {
    type,
    role: effectId === null ? 'owner' : 'autodev',
    actor: text(payload['actor']) || 'owner',
    labels: Array.isArray(labels) ? labels.map(text) : [],
    ...(typeof ref === 'string' && { ref }),
    ...(typeof agent === 'string' && isAgent(agent) && { agent }),
    paths: [],
    values: {
      event: type,
      actor: text(payload['actor']),
      ref: text(ref),
      commit: text(payload['sha']),
      'issue.number': text(issue['number']),
      'issue.title': text(issue['title']),
      'issue.description': text(issue['description']),
      'merge_request.number': text(request['number']),
      'merge_request.title': text(request['title']),
      'merge_request.source_branch': text(request['branch']),
      'job.id': cause ? `j_${cause.id}` : '',
      'job.agent': cause?.agent ?? '',
      'job.title': cause?.title ?? '',
    },
  };
}

function text(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}
