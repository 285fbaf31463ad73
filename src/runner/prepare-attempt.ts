import type { Db } from '../db/db.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Log } from '../kernel/log.ts';
import type { ClaimedAttempt } from './claim.ts';
import { configLineOf } from './commit-message.ts';
import { findResumable, type Resumable } from './kept-session.ts';
import { readSubject } from './plan-worker.ts';
import type { OutsideText } from './prompt.ts';
import { isDatabaseAway, untilDone } from './retry.ts';
import { findStart, type StartPoint } from './start-point.ts';
import { bringMirror, type Room, type RoomDeps } from './workspace-room.ts';

/** All that has to be known before a worker can be planned. */
export interface Prepared {
  readonly at: StartPoint;
  /** The line of autodev.yaml that asked for the job. */
  readonly configLine: Awaited<ReturnType<typeof configLineOf>>;
  readonly subject: readonly OutsideText[];
  readonly resumable: Resumable | undefined;
}

interface PrepareDeps extends Pick<RoomDeps, 'forge' | 'git'> {
  readonly db: Db;
  readonly clock: Clock;
  readonly log: Log;
}

/** Brings the mirror up to date and reads where a job begins and what it is about. Undefined when it was stopped. */
export async function prepare(
  deps: PrepareDeps,
  { claimed, room }: { claimed: ClaimedAttempt; room: Room },
  stop: AbortSignal,
): Promise<Prepared | undefined> {
  const { db } = deps;
  const { job, repo } = claimed;
  await bringMirror(deps, room, repo, stop);
  return untilDone(
    deps,
    stop,
    async () => ({
      at: await findStart(deps, { job, repo, mirror: room.mirror }, stop),
      configLine: await configLineOf(db, claimed),
      subject: await readSubject(db, claimed),
      resumable: await findResumable(db, claimed),
    }),
    isDatabaseAway,
  );
}
