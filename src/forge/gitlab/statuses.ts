import { Type } from 'typebox';

import { AppError } from '../../kernel/errors.ts';
import { requireCommitId } from '../commit-id.ts';
import type { ForgeRepo } from '../forge.ts';
import { WHOLE_LIST, type GitlabClient } from './client.ts';
import { read } from './shape.ts';

export interface CommitStatus {
  /** `autodev/config`, `autodev/approval`. */
  readonly name: string;
  /** Never `pending`: GitLab refuses to lead on from it. Whoever says `running` must say how it ended. */
  readonly state: 'running' | 'success' | 'failed';
  /** One line. */
  readonly description: string;
  readonly url?: string | undefined;
  /** The branch of the commit, where no pipeline is found to join. */
  readonly branch?: string | undefined;
}

const Statuses = Type.Array(
  Type.Object({
    id: Type.Integer(),
    name: Type.String(),
    status: Type.String(),
    description: Type.Union([Type.String(), Type.Null()]),
  }),
);
const CommitPipeline = Type.Object({
  last_pipeline: Type.Optional(Type.Union([Type.Object({ id: Type.Integer() }), Type.Null()])),
});

/** A pipeline begins a moment after the push that it is for. */
const PIPELINE_WAITS = 2;
const PIPELINE_WAIT_MS = 1000;
const CONFLICT_TRIES = 10;
const CONFLICT_WAIT_MS = 200;
/** GitLab cuts longer ones off. */
const LONGEST_DESCRIPTION = 255;

/**
 * Says something of a commit, in the pipeline that GitLab shows for it: without its id a pipeline that comes later
 * would leave a second one running for good. What stands already is not said again, as that would be a new job each
 * time.
 */
export async function setStatus(
  client: GitlabClient,
  repo: ForgeRepo,
  {
    sha,
    status,
    waitMs = PIPELINE_WAIT_MS,
  }: { sha: string; status: CommitStatus; waitMs?: number },
  signal: AbortSignal,
): Promise<{ changed: boolean }> {
  requireCommitId(sha);
  const description = status.description.replaceAll(/\s+/g, ' ').slice(0, LONGEST_DESCRIPTION);
  for (let tries = 1; ; tries += 1) {
    if (await stands(client, repo, { sha, status: { ...status, description } }, signal)) {
      return { changed: tries > 1 };
    }
    const pipelineId = await findPipeline(client, repo, { sha, waitMs }, signal);
    try {
      await client.api(signal).commits.editStatus(Number(repo.location), sha, status.state, {
        name: status.name,
        description,
        ...(status.url !== undefined && { targetUrl: status.url }),
        ...(pipelineId !== undefined && { pipelineId }),
        ...(pipelineId === undefined && status.branch !== undefined && { ref: status.branch }),
      });
      return { changed: true };
    } catch (error) {
      if (isTransition(error)) {
        // From running to running, or somebody else was faster: the state is the one that we want.
        return { changed: false };
      }
      const again =
        error instanceof AppError &&
        (error.code === 'FORGE_CONFLICT' || error.code === 'FORGE_UNCERTAIN');
      if (!again || tries === CONFLICT_TRIES) {
        throw error;
      }
      await client.clock.sleep(Math.min(CONFLICT_WAIT_MS * tries, waitMs), signal);
    }
  }
}

/** By name: the whole list comes in pages, and ours may be on any. */
async function stands(
  client: GitlabClient,
  repo: ForgeRepo,
  { sha, status }: { sha: string; status: CommitStatus },
  signal: AbortSignal,
): Promise<boolean> {
  const answer: unknown = await client
    .api(signal)
    .commits.allStatuses(Number(repo.location), sha, { ...WHOLE_LIST, name: status.name });
  const newest = read(Statuses, answer, `the statuses of ${sha}`)
    .filter(({ name }) => name === status.name)
    .sort((left, right) => right.id - left.id)[0];
  return newest?.status === status.state && (newest.description ?? '') === status.description;
}

async function findPipeline(
  client: GitlabClient,
  repo: ForgeRepo,
  { sha, waitMs }: { sha: string; waitMs: number },
  signal: AbortSignal,
): Promise<number | undefined> {
  for (let waits = 0; ; waits += 1) {
    const answer: unknown = await client.api(signal).commits.show(Number(repo.location), sha);
    const { last_pipeline: pipeline } = read(CommitPipeline, answer, `the commit ${sha}`);
    if (pipeline || waits === PIPELINE_WAITS) {
      return pipeline?.id;
    }
    await client.clock.sleep(waitMs, signal);
  }
}

function isTransition(error: unknown): boolean {
  return (
    error instanceof AppError &&
    error.code === 'FORGE_REFUSED' &&
    /cannot transition status/i.test(error.message)
  );
}
