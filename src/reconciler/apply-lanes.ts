import type { Queryable } from '../db/db.ts';
import { liftHold, setHold, syncPauses } from '../db/holds.ts';
import { listLaneAgents, setLaneLimits, setRepoSlots } from '../db/lanes.ts';
import { agentOf, isAgent } from '../domain/agent.ts';
import type { RepoSpec } from '../domain/spec.ts';

/**
 * Makes lanes say what the file says: one for each agent with its limit, held where the agent is disabled or gone.
 * Removing an agent is the emergency stop by merge, so its hold is set here and now. Lanes are locked before the
 * repository's slots, as everywhere.
 */
export async function applyLanes(
  tx: Queryable,
  {
    repoId,
    spec,
    repoConcurrency,
    goneHold,
  }: {
    repoId: number;
    spec: RepoSpec;
    repoConcurrency: number;
    goneHold: 'disabled' | 'removed';
  },
): Promise<void> {
  const listed = Object.entries(spec.agents).flatMap(([name, agent]) =>
    isAgent(name) ? [{ agent: name, spec: agent }] : [],
  );
  await setLaneLimits(
    tx,
    repoId,
    listed.map(({ agent, spec: { concurrency } }) => ({ agent, maxRunning: concurrency })),
  );
  // Locks every lane of the repository in order, and pauses those that are new in a paused scope.
  await syncPauses(tx, { repoId });

  for (const code of await listLaneAgents(tx, repoId)) {
    const agent = agentOf(code);
    const enabled = spec.agents[agent]?.enabled;
    await liftHold(tx, { repoId, agent, kind: 'suspended' });
    if (enabled === undefined) {
      const reason = `autodev.yaml does not list the ${agent} any more.`;
      await setHold(tx, { repoId, agent, kind: goneHold, reason });
      continue;
    }
    await liftHold(tx, { repoId, agent, kind: 'removed' });
    if (enabled) {
      await liftHold(tx, { repoId, agent, kind: 'disabled' });
    } else {
      const reason = `autodev.yaml says \`agents.${agent}.enabled: false\`.`;
      await setHold(tx, { repoId, agent, kind: 'disabled', reason });
    }
  }
  await setRepoSlots(tx, repoId, repoConcurrency);
}

/** Holds every lane of a repository whose file is gone: nothing new starts, nothing is purged. */
export async function suspendLanes(tx: Queryable, repoId: number, reason: string): Promise<void> {
  await setHold(tx, { repoId, kind: 'suspended', reason });
}
