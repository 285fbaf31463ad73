import { tellMergeRequest } from './events/merge-request-event.ts';
import { addSystemNote } from './notes.ts';
import type { MergeRequest, User } from './records.ts';
import type { World } from './world.ts';

export function closeMergeRequest(world: World, mergeRequest: MergeRequest, user: User): void {
  const now = world.clock.now();
  mergeRequest.state = 'closed';
  mergeRequest.closedAt = now;
  mergeRequest.closedBy = user;
  mergeRequest.updatedAt = now;
  addSystemNote(world, mergeRequest, { author: user, body: 'closed' });
  tellMergeRequest(world, mergeRequest, { action: 'close', user, changes: stateChange(1, 2) });
}

export function reopenMergeRequest(world: World, mergeRequest: MergeRequest, user: User): void {
  mergeRequest.state = 'opened';
  mergeRequest.closedAt = undefined;
  mergeRequest.closedBy = undefined;
  mergeRequest.updatedAt = world.clock.now();
  mergeRequest.unsettledReads.checking = world.behaviour.checkingReads;
  addSystemNote(world, mergeRequest, { author: user, body: 'reopened' });
  tellMergeRequest(world, mergeRequest, { action: 'reopen', user, changes: stateChange(2, 1) });
}

/** Also for one whose head reached the target branch by a push: then there is no merge commit. */
export function markMerged(
  world: World,
  mergeRequest: MergeRequest,
  {
    user,
    mergeCommit,
    squashCommit,
  }: { user: User; mergeCommit: string | undefined; squashCommit: string | undefined },
): void {
  const now = world.clock.now();
  mergeRequest.state = 'merged';
  mergeRequest.mergedAt = now;
  mergeRequest.updatedAt = now;
  mergeRequest.mergeUser = user;
  mergeRequest.mergeCommit = mergeCommit;
  mergeRequest.squashCommit = squashCommit;
  addSystemNote(world, mergeRequest, { author: user, body: 'merged' });
  tellMergeRequest(world, mergeRequest, { action: 'merge', user, changes: stateChange(1, 3) });
}

/** By GitLab's numbers: 1 opened, 2 closed, 3 merged. */
function stateChange(previous: number, current: number) {
  return { state_id: { previous, current } };
}
