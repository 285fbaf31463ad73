import type { Agent } from '../../domain/agent.ts';
import { AGENTS, agentCode, agentOf } from '../../domain/agent.ts';
import type { Condition } from '../../domain/conditions.ts';
import { isWaitReason } from '../../domain/job-state.ts';
import type { RepoSpec, ScheduleSpec } from '../../domain/spec.ts';
import type { HoldFact, LaneFacts, PauseScope, ScheduleFact } from '../../domain/why-facts.ts';
import type { Queryable } from '../db.ts';
import { sql } from '../sql.ts';
import { readSandbox } from './sandbox.ts';

/** The widest first. */
const PAUSE_SCOPES = ['fleet', 'repo', 'agent'] as const satisfies PauseScope[];

interface RepoRow {
  path: string;
  spec: RepoSpec | null;
  conditions: Condition[] | null;
  diagnostics: { severity?: string; line?: number; message?: string }[] | null;
  held: boolean;
  max_running: number | null;
  running: number | null;
  started: boolean;
}

interface LaneRow {
  agent: number;
  max_running: number;
  running: number;
  ready: number;
  holds: {
    kind: HoldFact['kind'];
    reason: string;
    actor: string | null;
    until: string | null;
    scopes: PauseScope[] | null;
  }[];
}

interface RunnerRow {
  agents: number[];
}

interface WaitingRow {
  agent: number;
  wait_reason: string | null;
  n: number;
  wake_at: Date | null;
}

interface ScheduleRow {
  name: string;
  spec: ScheduleSpec;
  next_at: Date | null;
  state: string | null;
  reason: NonNullable<ScheduleFact['lastSkip']>['reason'] | null;
  nominal_at: Date | null;
}

/**
 * What `explainLane` needs of each agent that the file in force lists, or that still has a lane; in the order
 * of the roles. Undefined when there is no such repository.
 */
export async function collectLaneFacts(
  db: Queryable,
  repoId: number,
  now: Date,
): Promise<LaneFacts[] | undefined> {
  const [repo] = await readRepo(db, repoId);
  if (repo === undefined) {
    return undefined;
  }
  const [lanes, runners, waiting, schedules, sandbox] = await Promise.all([
    readLanes(db, repoId),
    db.query<RunnerRow>(sql`
      select agents from runner where state = 'active' and lease_until > now()`),
    db.query<WaitingRow>(sql`
      select agent, wait_reason, count(*)::int as n, min(wake_at) as wake_at from job
      where repo_id = ${repoId} and state = 2 group by agent, wait_reason`),
    readSchedules(db, repoId),
    readSandbox(db),
  ]);
  const { spec } = repo;
  const known = new Set<Agent>([
    ...AGENTS.filter((agent) => spec?.agents[agent] !== undefined),
    ...lanes.map(({ agent }) => agentOf(agent)),
  ]);

  return AGENTS.filter((agent) => known.has(agent)).map((agent) => {
    const code = agentCode(agent);
    const lane = lanes.find((one) => one.agent === code);
    const serving = runners.filter(({ agents }) => agents.includes(code));
    return {
      repo: repo.path,
      agent,
      now: now.getTime(),
      source: sourceOf(repo),
      config: configOf(repo),
      listed: spec?.agents[agent] !== undefined,
      holds: (lane?.holds ?? []).map(holdOf),
      sandbox: sandboxOf(sandbox),
      runners: { live: serving.length },
      slots: {
        lane: { running: lane?.running ?? 0, most: lane?.max_running ?? 1 },
        // A repository that was never read has no slots yet: that is not what keeps it.
        repo: { running: repo.running ?? 0, most: repo.max_running ?? Number.MAX_SAFE_INTEGER },
      },
      queued: lane?.ready ?? 0,
      waiting: waiting
        .filter((one) => one.agent === code)
        .flatMap(({ wait_reason: reason, n, wake_at: wakeAt }) =>
          reason !== null && isWaitReason(reason)
            ? [{ reason, count: n, ...(wakeAt && { wakeAt: wakeAt.getTime() }) }]
            : [],
        ),
      schedules: schedules
        .filter((one) => one.spec.agent === agent && one.spec.enabled)
        .map(scheduleOf),
      triggers: Object.entries(spec?.triggers ?? {})
        .filter(([, trigger]) => trigger.agent === agent && trigger.enabled)
        .map(([name, { events }]) => ({
          name,
          events,
          spent: repo.started && events.every((event) => event === 'first_start'),
        })),
      handOffs: AGENTS.filter((other) => {
        const source = other === agent ? undefined : spec?.agents[other];
        return source?.enabled === true && source.allow.hand_off?.agents?.includes(agent) === true;
      }),
    };
  });
}

function readRepo(db: Queryable, repoId: number): Promise<RepoRow[]> {
  return db.query<RepoRow>(sql`
    select r.path, v.spec, s.conditions, s.diagnostics, t.max_running, t.running,
      exists (select from revision h where h.repo_id = r.id and h.state = 'held'
              and h.id > coalesce(s.revision_id, 0)) as held,
      -- By its key, which is indexed; there is one a repository.
      exists (select from event e where e.key = 'first_start:' || r.id
              and e.handled_at is not null) as started
    from repo r
    left join repo_sync s on s.repo_id = r.id
    left join revision v on v.id = s.revision_id
    left join repo_slot t on t.repo_id = r.id
    where r.id = ${repoId}`);
}

function readLanes(db: Queryable, repoId: number): Promise<LaneRow[]> {
  return db.query<LaneRow>(sql`
    select l.agent, l.max_running, l.running, l.ready,
      coalesce((select jsonb_agg(to_jsonb(h) || jsonb_build_object('scopes', (
                  select jsonb_agg(distinct c.scope) from control c
                  where h.kind = 'paused' and c.verb = 'pause' and c.lifted_at is null and (
                    c.scope = 'fleet' or c.repo_id = h.repo_id and (c.scope = 'repo' or c.agent = h.agent))
                )) order by h.created_at) from lane_hold h
                where h.repo_id = l.repo_id and h.agent = l.agent), '[]') as holds
    from lane l where l.repo_id = ${repoId}`);
}

function readSchedules(db: Queryable, repoId: number): Promise<ScheduleRow[]> {
  return db.query<ScheduleRow>(sql`
    select s.name, s.spec, s.next_at, o.state, o.reason, o.nominal_at from schedule s
    left join lateral (select state, reason, nominal_at from occurrence
                       where schedule_id = s.id order by nominal_at desc limit 1) o on true
    where s.repo_id = ${repoId} and s.retired_at is null order by s.name`);
}

function conditionOf({ conditions }: RepoRow, type: Condition['type']): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

function sourceOf(repo: RepoRow): LaneFacts['source'] {
  const source = conditionOf(repo, 'SourceReady');
  // A file that is not there is a fact about the configuration: the repository could be read.
  return source?.status === 'False' && source.reason !== 'ConfigNotFound'
    ? { readable: false, message: source.message }
    : { readable: true };
}

function configOf(repo: RepoRow): LaneFacts['config'] {
  const { spec, diagnostics, held } = repo;
  const lastGood = spec !== null;
  if (conditionOf(repo, 'SourceReady')?.reason === 'ConfigNotFound') {
    return { state: 'missing', lastGood };
  }
  const error = diagnostics?.find(({ severity = 'error' }) => severity === 'error');
  if (error !== undefined) {
    const place = error.line === undefined ? '' : `Line ${error.line}: `;
    return { state: 'invalid', lastGood, message: `${place}${error.message ?? ''}` };
  }
  if (held) {
    return { state: 'unreviewed', lastGood };
  }
  return { state: lastGood ? 'valid' : 'missing', lastGood };
}

/** Where a box is not asked for, work goes on without one: only a box that is asked for and fails stops it. */
function sandboxOf(sandbox: Condition | undefined): LaneFacts['sandbox'] {
  return sandbox?.reason === 'ProbeFailed'
    ? { available: false, message: sandbox.message }
    : { available: true };
}

function holdOf({ kind, reason, actor, until, scopes }: LaneRow['holds'][number]): HoldFact {
  return {
    kind,
    reason,
    ...(actor !== null && { actor }),
    ...(until !== null && { until: Date.parse(until) }),
    ...(scopes !== null && { scopes: PAUSE_SCOPES.filter((scope) => scopes.includes(scope)) }),
  };
}

function scheduleOf({
  name,
  next_at: nextAt,
  state,
  reason,
  nominal_at: at,
}: ScheduleRow): ScheduleFact {
  return {
    name,
    ...(nextAt && { nextAt: nextAt.getTime() }),
    ...(state === 'skipped' && reason !== null && at && { lastSkip: { at: at.getTime(), reason } }),
  };
}
