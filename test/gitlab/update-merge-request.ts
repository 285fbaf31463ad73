import { projectLevel } from './access.ts';
import { tellMergeRequest } from './events/merge-request-event.ts';
import { hookTime, labelSections, userSection } from './events/sections.ts';
import { branchHead } from './git/read.ts';
import { closeMergeRequest, reopenMergeRequest } from './merge-request-states.ts';
import { ensureLabels, labelsAfter, usersByIds } from './noteables.ts';
import { addSystemNote } from './notes.ts';
import { forbidden, invalidRecord } from './problem.ts';
import { unsettle } from './pushed.ts';
import type { MergeRequest } from './records.ts';
import type { Call } from './route.ts';
import { recordVersion } from './versions.ts';
import { gitOf } from './world.ts';

type Changes = Record<string, { previous: unknown; current: unknown }>;

/** `PUT` on a merge request, and what a person's edit does; the hook tells what changed. */
export async function updateMergeRequest(call: Call, mergeRequest: MergeRequest): Promise<void> {
  const { world, user, params } = call;
  const { project } = mergeRequest;
  const allowed = mergeRequest.author === user || projectLevel(world, project, user) >= 30;
  if (!allowed) {
    throw forbidden();
  }
  const changes: Changes = {};
  const title = params.text('title');
  if (title !== undefined && title !== mergeRequest.title) {
    changes['title'] = { previous: mergeRequest.title, current: title };
    mergeRequest.title = title;
  }
  const description = params.text('description');
  if (description !== undefined && description !== mergeRequest.description) {
    changes['description'] = { previous: mergeRequest.description ?? null, current: description };
    mergeRequest.description = description;
  }
  changeLabels(call, mergeRequest, changes);
  changePeople(call, mergeRequest, changes);
  mergeRequest.squash = params.flag('squash') ?? mergeRequest.squash;
  mergeRequest.removeSourceBranch =
    params.flag('remove_source_branch') ?? mergeRequest.removeSourceBranch;
  await retarget(call, mergeRequest, changes);
  if (Object.keys(changes).length > 0) {
    const now = world.clock.now();
    changes['updated_at'] = { previous: hookTime(mergeRequest.updatedAt), current: hookTime(now) };
    mergeRequest.updatedAt = now;
    unsettle(world, mergeRequest);
    tellMergeRequest(world, mergeRequest, { action: 'update', user, changes });
  }
  await changeState(call, mergeRequest);
}

function changeLabels(
  { world, params, user }: Call,
  mergeRequest: MergeRequest,
  changes: Changes,
): void {
  const { project, labels: had } = mergeRequest;
  const labels = labelsAfter(params, had);
  if (labels === undefined || labels.join() === had.join()) {
    return;
  }
  ensureLabels(world, project, labels);
  changes['labels'] = {
    previous: labelSections(project, had),
    current: labelSections(project, labels),
  };
  mergeRequest.labels = labels;
  addSystemNote(world, mergeRequest, {
    author: user,
    body: `changed labels to ${labels.join(', ')}`,
  });
}

function changePeople({ world, params }: Call, mergeRequest: MergeRequest, changes: Changes): void {
  const assigneeIds = params.integers('assignee_ids') ?? params.integers('assignee_id');
  if (assigneeIds !== undefined) {
    const assignees = usersByIds(world, assigneeIds);
    changes['assignees'] = {
      previous: mergeRequest.assignees.map(userSection),
      current: assignees.map(userSection),
    };
    mergeRequest.assignees = assignees;
  }
  const reviewerIds = params.integers('reviewer_ids');
  if (reviewerIds !== undefined) {
    const had = mergeRequest.reviewers;
    const now = world.clock.now();
    mergeRequest.reviewers = usersByIds(world, reviewerIds).map(
      (user) =>
        had.find((reviewer) => reviewer.user === user) ?? {
          user,
          state: 'unreviewed',
          createdAt: now,
        },
    );
    changes['reviewers'] = {
      previous: had.map(({ user }) => userSection(user)),
      current: mergeRequest.reviewers.map(({ user }) => userSection(user)),
    };
  }
}

async function retarget(
  { world, params }: Call,
  mergeRequest: MergeRequest,
  changes: Changes,
): Promise<void> {
  const target = params.text('target_branch');
  if (target === undefined || target === mergeRequest.targetBranch) {
    return;
  }
  if ((await branchHead(gitOf(world, mergeRequest.project), target)) === undefined) {
    throw invalidRecord(400, { target_branch: ['does not exist'] });
  }
  changes['target_branch'] = { previous: mergeRequest.targetBranch, current: target };
  mergeRequest.targetBranch = target;
  await recordVersion(world, mergeRequest);
}

async function changeState(
  { world, user, params }: Call,
  mergeRequest: MergeRequest,
): Promise<void> {
  const event = params.oneOf('state_event', ['close', 'reopen']);
  if (event === 'close' && mergeRequest.state === 'opened') {
    closeMergeRequest(world, mergeRequest, user);
  }
  if (event === 'reopen' && mergeRequest.state === 'closed') {
    const head = await branchHead(
      gitOf(world, mergeRequest.sourceProject),
      mergeRequest.sourceBranch,
    );
    if (head === undefined) {
      throw invalidRecord(400, { source_branch: ['does not exist'] });
    }
    if (mergeRequest.versions.at(-1)?.head !== head) {
      await recordVersion(world, mergeRequest);
    }
    reopenMergeRequest(world, mergeRequest, user);
  }
}
