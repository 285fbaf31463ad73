import { requireLevel } from '../access.ts';
import { mergeRequestEntity } from '../entities/merge-request.ts';
import { headOf } from '../heads.ts';
import { mergeStatus, refusedMerge } from '../mergeability.ts';
import { merge, rebase } from '../merging.ts';
import { mergeRequestOf } from '../noteables.ts';
import { ApiProblem, forbidden, invalidRecord } from '../problem.ts';
import type { AccessLevel, MergeRequest } from '../records.ts';
import type { Call, Route } from '../route.ts';

const ONE = '/projects/{id}/merge_requests/{merge_request_iid}';

/** 409 when the head is not the one that the caller has seen. */
export function requireHead({ params }: Call, mergeRequest: MergeRequest): void {
  const sha = params.text('sha');
  const head = headOf(mergeRequest);
  if (sha !== undefined && sha !== head) {
    throw invalidRecord(409, `SHA does not match HEAD of source branch: ${head}`);
  }
}

function mergeLevel({ project, targetBranch }: MergeRequest): AccessLevel {
  const rule = project.protectedBranches.find(({ name }) => name === targetBranch);
  if (rule?.mergeLevel === 0) {
    throw forbidden();
  }
  return rule?.mergeLevel ?? 30;
}

/** Merging and rebasing. 405: something but git is against it; 422: git is; 409: the head moved. */
export const mergingRoutes: readonly Route[] = [
  {
    method: 'PUT',
    path: `${ONE}/merge`,
    accepts: ['auto_merge'],
    returns: 'MergeRequest',
    async handle(call) {
      const { world, user, params } = call;
      const mergeRequest = mergeRequestOf(call);
      const { project } = mergeRequest;
      requireLevel(call, project, mergeLevel(mergeRequest));
      return world.lock.run(project.id, async () => {
        if ((await refusedMerge(world, mergeRequest)) !== undefined) {
          throw new ApiProblem(405, { message: '405 Method Not Allowed' });
        }
        if ((await mergeStatus(world, mergeRequest)) !== 'mergeable') {
          throw invalidRecord(422, 'Branch cannot be merged');
        }
        requireHead(call, mergeRequest);
        const { squash } = project.settings;
        await merge(world, mergeRequest, {
          user,
          squash:
            squash === 'always' ||
            (squash !== 'never' && (params.flag('squash') ?? mergeRequest.squash)),
          removeSourceBranch:
            params.flag('should_remove_source_branch') ?? mergeRequest.removeSourceBranch,
          mergeMessage: params.text('merge_commit_message'),
          squashMessage: params.text('squash_commit_message'),
        });
        return { body: await mergeRequestEntity(world, mergeRequest, { user }) };
      });
    },
  },
  {
    method: 'PUT',
    path: `${ONE}/rebase`,
    parameters: ['skip_ci'],
    async handle(call) {
      const mergeRequest = mergeRequestOf(call);
      requireLevel(call, mergeRequest.sourceProject, 30);
      await call.world.lock.run(mergeRequest.sourceProject.id, () =>
        rebase(call.world, mergeRequest, call.user),
      );
      return { status: 202, body: { rebase_in_progress: false } };
    },
  },
];
