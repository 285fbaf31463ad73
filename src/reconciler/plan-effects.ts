import type { NextCronTime } from '../config/cron-times.ts';
import type { LaneJobs } from '../db/lane-jobs.ts';
import { firstOccurrence } from '../domain/schedule-policy.ts';
import type { Period, RepoSpec, ScheduleSpec } from '../domain/spec.ts';
import type { ZoneOffset } from '../domain/zone-offset.ts';
import type { Clock } from '../kernel/clock.ts';

const RUNS_SHOWN = 3;

/** What a plan means for money, time and work. */
export interface PlanEffects {
  /** The most that a day may cost, in USD; null: nothing limits it. */
  readonly usd_per_day: { readonly before: number | null; readonly after: number | null };
  /** The next nominal times of each schedule that is enabled, RFC 3339 in UTC. */
  readonly next_runs: Readonly<Record<string, readonly string[]>>;
  /** The zone that each of them is in. */
  readonly timezones: Readonly<Record<string, string>>;
  /** What the repository's jobs cost in the last 30 days; left out where it was not asked. */
  readonly spent_usd?: number;
  /** Jobs of agents that go away, which wait or are queued. */
  readonly jobs_cancelled: number;
  /** Jobs that run for agents that go away or are disabled. */
  readonly jobs_stopped: number;
}

interface EffectsDeps {
  clock: Clock;
  nextCronTime: NextCronTime;
  zoneOffset: ZoneOffset;
}

export function planEffects(
  deps: EffectsDeps,
  {
    before,
    after,
    jobs,
  }: {
    before: RepoSpec | undefined;
    after: RepoSpec | undefined;
    jobs: readonly LaneJobs[];
  },
): PlanEffects {
  const sum = (counts: number[]): number => counts.reduce((total, count) => total + count, 0);
  const gone = after ? jobs.filter(({ agent }) => after.agents[agent] === undefined) : [];
  const off = after ? jobs.filter(({ agent }) => after.agents[agent]?.enabled !== true) : [];
  return {
    usd_per_day: { before: dailyCeiling(before), after: dailyCeiling(after) },
    next_runs: after ? nextRuns(deps, after) : {},
    timezones: Object.fromEntries(
      after ? runningSchedules(after).map(([name, { timezone }]) => [name, timezone]) : [],
    ),
    jobs_cancelled: sum(gone.map(({ pending }) => pending)),
    jobs_stopped: sum(off.map(({ running }) => running)),
  };
}

/** How often a window of each period fits into one day: a month's budget may be spent on one day. */
const WINDOWS_A_DAY: Readonly<Record<Period, number>> = { hour: 24, day: 1, week: 1, month: 1 };

function dailyCeiling(spec: RepoSpec | undefined): number | null {
  const ceilings = Object.values(spec?.budgets ?? {}).flatMap(({ scope, per, microUsd }) =>
    scope === 'repo' && microUsd !== undefined ? [microUsd * WINDOWS_A_DAY[per]] : [],
  );
  return ceilings.length === 0 ? null : Math.min(...ceilings) / 1_000_000;
}

function nextRuns(
  { clock, nextCronTime, zoneOffset }: EffectsDeps,
  spec: RepoSpec,
): Record<string, string[]> {
  return Object.fromEntries(
    runningSchedules(spec).map(([name, schedule]) => {
      const nextAfter = (at: number): number | undefined =>
        nextCronTime(schedule.cron, schedule.timezone, at);
      const runs: string[] = [];
      let at: number | undefined = clock.now().getTime();
      while (at !== undefined && runs.length < RUNS_SHOWN) {
        at = firstOccurrence(schedule, at, { nextAfter, zoneOffset });
        runs.push(...(at === undefined ? [] : [new Date(at).toISOString()]));
      }
      return [name, runs];
    }),
  );
}

function runningSchedules({ schedules, agents }: RepoSpec): [name: string, ScheduleSpec][] {
  return Object.entries(schedules).filter(
    ([, { enabled, agent }]) => enabled && agents[agent]?.enabled === true,
  );
}
