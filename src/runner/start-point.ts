import { type Artifact, findArtifact } from '../db/artifacts.ts';
import type { Queryable } from '../db/db.ts';
import type { JobRow } from '../db/job-rows.ts';
import { getJob } from '../db/job-rows.ts';
import { findMergeRequest } from '../db/merge-requests.ts';
import type { Repo } from '../db/repos.ts';
import type { Git } from '../forge/git.ts';
import { AppError } from '../kernel/errors.ts';
import { INSTRUCTION_PATHS } from './workspace-room.ts';

export interface StartPoint {
  /** What the result will stand on: a commit that is published. */
  readonly base: string;
  /** What is checked out: the base, or an unpublished result of the parent that stands on it. */
  readonly start: string;
  /** That result. It goes into the attempt's own folders: the mirror is everybody's, and nothing would remove it there. */
  readonly left: Artifact | undefined;
  readonly overlay: { readonly commit: string; readonly paths: readonly string[] } | undefined;
}

interface StartDeps {
  readonly db: Queryable;
  readonly git: Git;
}

/**
 * Where a job begins: the commit that it was given, the head of the merge request that it is about, what the job
 * before it left and did not publish, or the default branch. The mirror is fresh. Throws CONFLICT when that commit
 * is not there any more.
 */
export async function findStart(
  { db, git }: StartDeps,
  { job, repo, mirror }: { job: JobRow; repo: Repo; mirror: string },
  signal: AbortSignal,
): Promise<StartPoint> {
  const place = { cwd: mirror, safeDirectories: [mirror] };
  const commitOf = async (ref: string): Promise<string> => {
    const args = ['rev-parse', '--verify', '--quiet', `${ref}^{commit}`];
    const { code, stdout } = await git.run(place, args, signal, { answers: [0, 1, 128] });
    if (code !== 0) {
      throw new AppError('CONFLICT', `${ref} is not in the repository ${repo.path} any more`, {
        remedy: 'Start the job again on what is there now: `autodev retry`.',
      });
    }
    return stdout.toString().trim();
  };
  const head = await commitOf(`refs/heads/${repo.branch}`);
  const given = await givenBase(db, job);
  if (given === undefined) {
    // A retry begins anew, on what is there now: what the first one left has failed.
    const left = job.trigger.kind === 'retry' ? undefined : await leftByParent(db, job);
    if (left !== undefined) {
      return { base: await commitOf(left.base), start: left.head, left, overlay: undefined };
    }
  }
  const base = given === undefined ? head : await commitOf(given);
  if (base === head) {
    return { base, start: base, left: undefined, overlay: undefined };
  }

  const treeOf = async (commit: string): Promise<Map<string, string>> => {
    const args = ['ls-tree', '-z', commit, '--', ...INSTRUCTION_PATHS];
    const { stdout } = await git.run(place, args, signal);
    const entries = stdout.toString().split('\0').filter(Boolean);
    return new Map(entries.map((entry) => [entry.split('\t')[1] ?? '', entry]));
  };
  const [there, here] = [await treeOf(head), await treeOf(base)];
  const paths = INSTRUCTION_PATHS.filter((path) => there.get(path) !== here.get(path));
  const overlay = paths.length > 0 ? { commit: head, paths } : undefined;
  return { base, start: base, left: undefined, overlay };
}

async function givenBase(db: Queryable, job: JobRow): Promise<string | undefined> {
  const request =
    job.mergeRequestId === null ? undefined : await findMergeRequest(db, job.mergeRequestId);
  // Its head may have moved since the job was made; what continues it must stand on what is there.
  if (request?.state === 'open') {
    return request.head;
  }
  return job.base ?? job.subject?.sha ?? undefined;
}

async function leftByParent(db: Queryable, { parentId }: JobRow) {
  const parent = parentId === null ? undefined : await getJob(db, parentId);
  return parent === undefined || parent.mergeRequestId !== null
    ? undefined
    : findArtifact(db, { jobId: parent.id });
}
