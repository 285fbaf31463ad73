import { branchHead, mergeBase } from './git/read.ts';
import type { MergeRequest, Version } from './records.ts';
import { gitOf, type World } from './world.ts';

/**
 * Brings the head of the source branch into the target's repository, as `refs/merge-requests/N/head`, and records
 * it as a version. Undefined when the source branch is gone.
 */
export async function recordVersion(
  world: World,
  mergeRequest: Pick<
    MergeRequest,
    'project' | 'sourceProject' | 'sourceBranch' | 'targetBranch' | 'iid' | 'versions'
  >,
): Promise<Version | undefined> {
  const { project, sourceProject, sourceBranch, targetBranch, iid, versions } = mergeRequest;
  const git = gitOf(world, project);
  const head = await branchHead(gitOf(world, sourceProject), sourceBranch);
  if (head === undefined) {
    return undefined;
  }
  const ref = `refs/merge-requests/${iid}/head`;
  await (sourceProject === project
    ? git.text(['update-ref', ref, head])
    : git.text(['fetch', '--quiet', sourceProject.dir, `+refs/heads/${sourceBranch}:${ref}`]));
  const start = (await branchHead(git, targetBranch)) ?? head;
  const version: Version = {
    id: world.state.nextId('version'),
    head,
    start,
    base: (await mergeBase(git, start, head)) ?? start,
    createdAt: world.clock.now(),
  };
  versions.push(version);
  return version;
}
