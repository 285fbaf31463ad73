import { markMergeRequests } from '../db/config-plans.ts';
import type { Db } from '../db/db.ts';
import type { NewEvent } from '../db/events.ts';
import { recordEvents } from '../db/events.ts';
import { lookSoon } from '../db/forge-reviews.ts';
import type { TakenHint } from '../db/hints.ts';
import { deleteHint, putOffHint, takeHints } from '../db/hints.ts';
import type { Repo } from '../db/repos.ts';
import { findRevisionInForce } from '../db/revisions.ts';
import type { Wake } from '../db/wake.ts';
import { parseHint } from '../domain/hint.ts';
import type { EventName } from '../domain/spec.ts';
import type { Act, ActReader, NoteCommand } from '../forge/acts.ts';
import { AppError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import type { Service } from '../kernel/service.ts';

export interface HintDeps {
  db: Db;
  log: Log;
  acts: ActReader;
  /** What is done with a note that begins with `/autodev`; it must do no harm twice. */
  onCommand?: (repo: Repo, command: NoteCommand, signal: AbortSignal) => Promise<void>;
}

const BATCH = 20;
const AT_ONCE = 4;
const POLL_MS = 1_000;
/** Longer than reading takes: who has not answered by then is gone. */
const LEASE_MS = 300_000;
/** What GitLab never told us is made up for at the next word about the same thing. */
const LOOK_BACK_MS = 24 * 3_600_000;
/** Clocks differ. */
const SKEW_MS = 60_000;
const MOST_TRIES = 12;
const LONGEST_WAIT_MS = 900_000;

/**
 * Follows what GitLab hinted at: reads the thing from GitLab, and records what people did to it as events. A hint is
 * never believed: actor, role, act and text are GitLab's records as they are now.
 */
export function createHintService(deps: HintDeps & { wake: Wake }): Service {
  return async (signal) => {
    while (!signal.aborted) {
      const sequence = deps.wake.sequence();
      if ((await followHints(deps, signal)) === 0) {
        await deps.wake.wait(sequence, POLL_MS, signal);
      }
    }
  };
}

/** One batch. Answers how many hints were taken. */
export async function followHints(deps: HintDeps, signal: AbortSignal): Promise<number> {
  const hints = await takeHints(deps.db, { limit: BATCH, leaseMs: LEASE_MS });
  const queue = [...hints];
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next && !signal.aborted; next = queue.shift()) {
      await follow(deps, next, signal);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return hints.length;
}

/** One that cannot be followed now keeps no other waiting. */
async function follow(deps: HintDeps, hint: TakenHint, signal: AbortSignal): Promise<void> {
  const { db, log } = deps;
  try {
    const events = await look(deps, hint, signal);
    // The events and the word that they are read stand or fall together.
    const made = await db.transaction(async (tx) => {
      const count = await recordEvents(tx, events);
      await deleteHint(tx, hint.id);
      return count;
    });
    log.debug({ repo: hint.repo.path, subject: hint.subject, events: made }, 'hint followed');
  } catch (error) {
    if (signal.aborted || (error instanceof AppError && error.code === 'DATABASE_UNAVAILABLE')) {
      throw error;
    }
    const again = hint.tries < MOST_TRIES;
    const againInMs = again ? Math.min(LONGEST_WAIT_MS, 1_000 * 2 ** hint.tries) : undefined;
    const { repo, subject, tries } = hint;
    // A bug is contained as well, and loud: it must not keep what happens elsewhere waiting.
    const level = error instanceof AppError ? 'warn' : 'error';
    log[level]({ err: error, repo: repo.path, subject, tries, againInMs }, 'hint not followed');
    await putOffHint(db, hint.id, { againInMs, error: String(error) });
  }
}

async function look(deps: HintDeps, hint: TakenHint, signal: AbortSignal): Promise<NewEvent[]> {
  const { repo } = hint;
  const subject = parseHint(hint.subject);
  if (subject?.kind === 'merge_request') {
    // It may change the configuration, whatever the triggers are.
    await markMergeRequests(deps.db, repo.id, [subject.number]);
    await lookSoon(deps.db, { repoId: repo.id, number: subject.number });
  }
  if (subject?.kind === 'note' && subject.on === 'merge_request') {
    // A vote or an answer, perhaps; whoever counts them reads it for themselves.
    await lookSoon(deps.db, { repoId: repo.id, number: subject.number });
  }
  const revision = await findRevisionInForce(deps.db, repo.id);
  const triggers = Object.values(revision?.spec.triggers ?? {});
  const wanted = new Set(triggers.filter(({ enabled }) => enabled).flatMap(({ events }) => events));
  // A note may be a command, also where no trigger waits for comments.
  if (subject === undefined || (wanted.size === 0 && subject.kind !== 'note')) {
    return [];
  }
  const { acts, command } = await deps.acts.readActs(
    repo,
    subject,
    { since: since(hint), wanted },
    signal,
  );
  if (command && !command.author.isUs) {
    await deps.onCommand?.(repo, command, signal);
  }
  // What we did ourselves is recorded where it is done, with the job that it comes from.
  return acts.filter(({ actor }) => !actor.isUs).map((act) => eventOf(repo.id, act));
}

function since({ receivedAt, registeredAt }: TakenHint): Date {
  const lookBack = receivedAt.getTime() - LOOK_BACK_MS;
  return new Date(Math.max(lookBack, registeredAt.getTime()) - SKEW_MS);
}

function eventOf(
  repoId: number,
  { type, key, at, actor, trust, texts, facts }: Act,
): NewEvent & { type: EventName } {
  return {
    repoId,
    type,
    key: `gitlab:${repoId}:${type}:${key}`,
    payload: {
      ...facts,
      actor: actor.username,
      actor_id: actor.id,
      role: actor.role,
      trust,
      texts,
      at: at.toISOString(),
    },
  };
}
