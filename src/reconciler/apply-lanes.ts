import type { Queryable } from '../db/db.ts';
import { liftHold, setHold, syncPauses } from '../db/holds.ts';
import type { FileHold, Lane, LaneLimit, RepoLanes } from '../db/lanes.ts';
import { FILE_HOLDS, lockLanes, setLaneLimits, setRepoSlots } from '../db/lanes.ts';
import { isAgent } from '../domain/agent.ts';
import type { RepoSpec } from '../domain/spec.ts';

interface LaneWishes {
  readonly spec: RepoSpec;
  readonly repoConcurrency: number;
  /** The hold of an agent that is gone from the file. */
  readonly goneHold: 'disabled' | 'removed';
}

/** In what the lanes of a repository differ from what its file says. */
export interface LaneChanges {
  readonly limits: readonly LaneLimit[];
  /** Some of `limits` are of lanes that are new. */
  readonly hasNew: boolean;
  readonly holds: readonly HoldChange[];
  /** How many jobs may run over all lanes; undefined: as many as now. */
  readonly slots: number | undefined;
}

/**
 * What makes lanes say what the file says: one for each agent with its limit, held where the agent is disabled or
 * gone. Undefined when they say it already.
 */
export function planLanes(
  { lanes: before, slots }: RepoLanes,
  wishes: LaneWishes,
): LaneChanges | undefined {
  const { spec, repoConcurrency } = wishes;
  const known = new Map(before.map((lane) => [lane.agent, lane]));
  const limits = Object.entries(spec.agents).flatMap(([agent, { concurrency }]) =>
    isAgent(agent) && known.get(agent)?.maxRunning !== concurrency
      ? [{ agent, maxRunning: concurrency }]
      : [],
  );
  const added = limits.filter(({ agent }) => !known.has(agent));
  const lanes = [...before, ...added.map((limit): Lane => ({ ...limit, holds: {} }))];
  const holds = lanes.flatMap((lane) => holdChanges(lane, wishes));
  const changes = {
    limits,
    holds,
    hasNew: added.length > 0,
    slots: slots === repoConcurrency ? undefined : repoConcurrency,
  };
  return limits.length + holds.length > 0 || changes.slots !== undefined ? changes : undefined;
}

/**
 * Removing an agent is the emergency stop by merge, so its hold is set here and now. Lanes are locked last, and
 * before the repository's slots, as everywhere: locks on lanes are what claims wait for.
 */
export async function applyLanes(
  tx: Queryable,
  repoId: number,
  { limits, hasNew, holds, slots }: LaneChanges,
): Promise<void> {
  if (limits.length + holds.length > 0) {
    await lockLanes(tx, repoId);
  }
  if (limits.length > 0) {
    await setLaneLimits(tx, repoId, limits);
  }
  if (hasNew) {
    // New lanes in a paused scope are paused.
    await syncPauses(tx, { repoId });
  }
  for (const { agent, kind, reason } of holds) {
    if (reason === undefined) {
      await liftHold(tx, { repoId, agent, kind });
    } else {
      await setHold(tx, { repoId, agent, kind, reason });
    }
  }
  if (slots !== undefined) {
    await setRepoSlots(tx, repoId, slots);
  }
}

/** Holds every lane of a repository whose file is gone: nothing new starts, nothing is purged. */
export async function suspendLanes(tx: Queryable, repoId: number, reason: string): Promise<void> {
  await setHold(tx, { repoId, kind: 'suspended', reason });
}

interface HoldChange extends Pick<Lane, 'agent'> {
  readonly kind: FileHold;
  /** Undefined: the hold is lifted. */
  readonly reason: string | undefined;
}

function holdChanges(lane: Lane, wishes: LaneWishes): HoldChange[] {
  const wanted = wantedHold(lane, wishes);
  return FILE_HOLDS.map((kind) => ({
    agent: lane.agent,
    kind,
    reason: wanted?.kind === kind ? wanted.reason : undefined,
  })).filter(({ kind, reason }) => reason !== lane.holds[kind]);
}

function wantedHold(
  { agent }: Lane,
  { spec, goneHold }: LaneWishes,
): { kind: FileHold; reason: string } | undefined {
  const enabled = spec.agents[agent]?.enabled;
  if (enabled === undefined) {
    return { kind: goneHold, reason: `autodev.yaml does not list the ${agent} any more.` };
  }
  return enabled
    ? undefined
    : { kind: 'disabled', reason: `autodev.yaml says \`agents.${agent}.enabled: false\`.` };
}
