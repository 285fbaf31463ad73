import { tellMergeRequest } from './events/merge-request-event.ts';
import { tellPush } from './events/push-event.ts';
import { isAncestor, listCommits, listRefs } from './git/read.ts';
import { headOf, latestVersion } from './heads.ts';
import { closeMergeRequest, markMerged } from './merge-request-states.ts';
import { addSystemNote } from './notes.ts';
import type { MergeRequest, Project, RefChange, User } from './records.ts';
import { recordVersion } from './versions.ts';
import { gitOf, isPremium, type World } from './world.ts';

const HOUR_MS = 60 * 60 * 1000;

/** Everything that follows from a push: hooks, versions, votes taken back, merge requests closed or merged. */
export async function pushed(
  world: World,
  project: Project,
  { before, user }: { before: Map<string, string>; user: User },
): Promise<void> {
  const after = await listRefs(gitOf(world, project));
  const changes = [...new Set([...before.keys(), ...after.keys()])]
    .map((ref): RefChange => ({ ref, from: before.get(ref), to: after.get(ref) }))
    .filter(({ from, to }) => from !== to);
  if (changes.length === 0) {
    return;
  }
  project.hasCode = [...after.keys()].some((ref) => ref.startsWith('refs/heads/'));
  touch(world, project);
  for (const change of changes) {
    const id = world.state.nextId('event');
    world.state.pushes.push({ id, project, user, at: world.clock.now(), change });
  }
  if (changes.length <= world.behaviour.pushEventHooksLimit) {
    for (const change of changes) {
      await tellPush(world, project, { change, user });
    }
  }
  const refresh = async (): Promise<void> => {
    for (const change of changes) {
      await refreshMergeRequests(world, project, { change, user });
    }
  };
  const { refreshDelayMs } = world.behaviour;
  if (refreshDelayMs === 0) {
    await refresh();
    return;
  }
  world.background.run(async (signal) => {
    await world.clock.sleep(refreshDelayMs, signal);
    if (!signal.aborted) {
      await refresh();
    }
  });
}

/** GitLab moves the time of the last activity only when it is more than an hour old. */
export function touch({ clock }: Pick<World, 'clock'>, project: Project): void {
  const now = clock.now();
  if (now.getTime() - project.lastActivityAt.getTime() > HOUR_MS) {
    project.lastActivityAt = now;
  }
}

/** The state that a merge request has after anything that its mergeability hangs on. */
export function unsettle(
  { behaviour }: Pick<World, 'behaviour'>,
  mergeRequest: MergeRequest,
): void {
  mergeRequest.unsettledReads.checking = behaviour.checkingReads;
}

async function refreshMergeRequests(
  world: World,
  project: Project,
  { change, user }: { change: RefChange; user: User },
): Promise<void> {
  const branch = /^refs\/heads\/(.+)$/.exec(change.ref)?.[1];
  const open = world.state.mergeRequests.filter(({ state }) => state === 'opened');
  for (const mergeRequest of open) {
    if (mergeRequest.sourceProject === project && mergeRequest.sourceBranch === branch) {
      await sourceMoved(world, mergeRequest, { change, user });
    }
    if (mergeRequest.project === project && mergeRequest.targetBranch === branch) {
      await targetMoved(world, mergeRequest, { to: change.to, user });
    }
  }
}

async function sourceMoved(
  world: World,
  mergeRequest: MergeRequest,
  { change, user }: { change: RefChange; user: User },
): Promise<void> {
  if (change.to === undefined) {
    closeMergeRequest(world, mergeRequest, user);
    return;
  }
  const oldHead = headOf(mergeRequest);
  const version = await recordVersion(world, mergeRequest);
  if (version === undefined || version.head === oldHead) {
    return;
  }
  mergeRequest.updatedAt = world.clock.now();
  unsettle(world, mergeRequest);
  const added = await listCommits(gitOf(world, mergeRequest.project), [
    `${oldHead}..${version.head}`,
  ]);
  addSystemNote(world, mergeRequest, {
    author: user,
    body: `added ${added.length} commit${added.length === 1 ? '' : 's'}`,
  });
  const voidsVotes =
    isPremium(world) &&
    mergeRequest.project.settings.resetApprovalsOnPush &&
    mergeRequest.approvals.length > 0;
  mergeRequest.pendingResets += voidsVotes ? 1 : 0;
  tellMergeRequest(world, mergeRequest, { action: 'update', user, oldrev: oldHead });
  if (voidsVotes) {
    resetLater(world, mergeRequest, user);
  }
}

/**
 * GitLab's worker comes 10 s after the push; until then the old votes can still be read. What it takes back are the
 * votes of the time of the push, not one that somebody gave to the new head meanwhile.
 */
function resetLater(world: World, mergeRequest: MergeRequest, user: User): void {
  const voided = new Set(mergeRequest.approvals);
  world.background.run(async (signal) => {
    await world.clock.sleep(world.behaviour.resetDelayMs, signal);
    mergeRequest.pendingResets -= 1;
    if (signal.aborted || mergeRequest.state !== 'opened') {
      return;
    }
    mergeRequest.approvals = mergeRequest.approvals.filter((approval) => !voided.has(approval));
    for (const reviewer of mergeRequest.reviewers) {
      const voted = mergeRequest.approvals.some((approval) => approval.user === reviewer.user);
      reviewer.state = reviewer.state === 'approved' && !voted ? 'unreviewed' : reviewer.state;
    }
    tellMergeRequest(world, mergeRequest, {
      action: 'update',
      user,
      systemAction: 'approvals_reset_on_push',
    });
  });
}

async function targetMoved(
  world: World,
  mergeRequest: MergeRequest,
  { to, user }: { to: string | undefined; user: User },
): Promise<void> {
  unsettle(world, mergeRequest);
  const { head, base } = latestVersion(mergeRequest);
  if (to !== undefined && head !== base) {
    if (await isAncestor(gitOf(world, mergeRequest.project), head, to)) {
      markMerged(world, mergeRequest, { user, mergeCommit: undefined, squashCommit: undefined });
    }
  }
}
