import { parseLocalDay, startOfLocalDay } from './local-day.ts';
import type { ScheduleSpec } from './spec.ts';
import { stableFraction } from './stable-hash.ts';
import type { ZoneOffset } from './zone-offset.ts';

/** An occurrence that is noticed this late (a restart, a busy database) is late, not missed. */
const LATE_MS = 5 * 60_000;
/** `missed: once` makes up for the latest occurrence of this time. */
const CATCH_UP_MS = 24 * 3_600_000;

export type SkipReason = 'missed' | 'ended' | 'overlap' | 'unmerged' | 'unchanged';

export interface DueSchedule {
  readonly spec: Pick<
    ScheduleSpec,
    'missed' | 'overlap' | 'until' | 'timezone' | 'jitterMs' | 'when'
  >;
  readonly repo: string;
  readonly name: string;
  /** The nominal time that is due, and the present, in epoch milliseconds of the database's clock. */
  readonly dueAt: number;
  readonly now: number;
  /** Jobs of this schedule, by what they do now. */
  readonly jobs: {
    /** waiting or queued */
    readonly pending: number;
    /** running or publishing */
    readonly active: number;
    /** in review: a merge request is open */
    readonly inReview: number;
  };
  /** Whether a path of `when.changed` changed since the last succeeded occurrence; true when there was none. */
  readonly changed: boolean;
}

/**
 * What becomes of the occurrence `nominal` (unique by repo, schedule and nominal time). `runAt` is when its
 * job may start: jitter delays the job, not the occurrence. `next` is undefined when the schedule has ended.
 */
export type ScheduleDecision =
  | {
      readonly action: 'fire';
      readonly nominal: number;
      readonly runAt: number;
      readonly next: number | undefined;
    }
  | {
      readonly action: 'skip';
      readonly nominal: number;
      readonly reason: SkipReason;
      readonly next: number | undefined;
    };

export interface ScheduleTime {
  /** The first nominal time after an instant; undefined when the pattern has no more. */
  readonly nextAfter: (at: number) => number | undefined;
  readonly zoneOffset: ZoneOffset;
}

/**
 * Decides one due schedule. However long nobody looked, there is one decision: for the latest nominal time
 * that has come. Those before it are gone, and the next one is computed from now.
 *
 * @throws Error when the schedule is not due: the caller asked the wrong row
 */
export function decideSchedule(due: DueSchedule, time: ScheduleTime): ScheduleDecision {
  if (due.dueAt > due.now) {
    throw new Error(`schedule ${due.name} is not due before ${due.dueAt}`);
  }

  const endsAt = endOf(due.spec, time.zoneOffset);
  const nominal = latestUntil(due, time.nextAfter, endsAt);
  const after = time.nextAfter(due.now);
  const next = after !== undefined && after < endsAt ? after : undefined;
  const reason = nominal >= endsAt ? 'ended' : skipReason(due, nominal);
  return reason === undefined
    ? { action: 'fire', nominal, runAt: nominal + jitterMs(due), next }
    : { action: 'skip', nominal, reason, next };
}

/** The first nominal time of a schedule that is new, changed or resumed: computed from now, nothing is made up. */
export function firstOccurrence(
  spec: Pick<ScheduleSpec, 'until' | 'timezone'>,
  now: number,
  time: ScheduleTime,
): number | undefined {
  const next = time.nextAfter(now);
  return next !== undefined && next < endOf(spec, time.zoneOffset) ? next : undefined;
}

/** What an operator reads about a skipped occurrence. */
export function describeSkip(reason: SkipReason): string {
  const sentences: Readonly<Record<SkipReason, string>> = {
    missed: 'Nobody looked at that time, and `missed` does not ask to make up for it.',
    ended: 'The schedule ended with `until`.',
    overlap: 'The job of an earlier occurrence is not finished.',
    unmerged: 'The merge request of an earlier occurrence is still open.',
    unchanged: 'No path of `when.changed` changed since the last succeeded occurrence.',
  };
  return sentences[reason];
}

function skipReason(due: DueSchedule, nominal: number): SkipReason | undefined {
  const { spec, jobs, now, changed } = due;
  const lateness = now - nominal;
  if (lateness > LATE_MS && (spec.missed === 'skip' || lateness > CATCH_UP_MS)) {
    return 'missed';
  }
  if (spec.overlap === 'queue' ? jobs.pending > 0 : jobs.pending + jobs.active > 0) {
    return 'overlap';
  }
  if (spec.overlap === 'skip_until_merged' && jobs.inReview > 0) {
    return 'unmerged';
  }
  return spec.when.changed !== undefined && !changed ? 'unchanged' : undefined;
}

/** `until` is inclusive, so the schedule ends when the next day begins. */
function endOf(
  { until, timezone }: Pick<ScheduleSpec, 'until' | 'timezone'>,
  zoneOffset: ZoneOffset,
): number {
  const day = until === undefined ? undefined : parseLocalDay(until);
  return day === undefined
    ? Number.POSITIVE_INFINITY
    : startOfLocalDay(day + 1, timezone, zoneOffset);
}

/** The latest nominal time up to now. Looks back a day at most: what is older is missed whatever it is. */
function latestUntil(
  { dueAt, now }: DueSchedule,
  nextAfter: ScheduleTime['nextAfter'],
  endsAt: number,
): number {
  let latest = dueAt;
  let candidate = nextAfter(Math.max(dueAt, now - CATCH_UP_MS - 1));
  while (candidate !== undefined && candidate <= now && candidate < endsAt) {
    latest = candidate;
    candidate = nextAfter(candidate);
  }
  return latest;
}

/** The same for every occurrence of a schedule, different between schedules and repositories; whole milliseconds. */
export function jitterMs({
  repo,
  name,
  spec,
}: {
  repo: string;
  name: string;
  spec: Pick<ScheduleSpec, 'jitterMs'>;
}): number {
  return Math.floor(stableFraction(`${repo}/${name}`) * spec.jitterMs);
}
