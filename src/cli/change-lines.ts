import type { Gate } from '../db/views/gate-list.ts';
import type { JobDetail } from '../db/views/job-detail.ts';
import type { Repo } from '../db/views/repo-list.ts';
import { AppError } from '../kernel/errors.ts';
import type { ApiClient } from './api-client.ts';
import type { Output } from './output.ts';
import { oneLine } from './output.ts';

const SHOWN_PATHS = 20;

/** What a job changed, with what it is compared to. */
export interface Change {
  job: JobDetail;
  /** The default branch; undefined: the repository is registered no more. */
  branch: string | undefined;
  /** The gate whose `changes` this job answers without a new commit. */
  unchangedSince: string | undefined;
}

/** Undefined where the job changed nothing. */
export async function readChange(api: ApiClient, job: JobDetail): Promise<Change | undefined> {
  if (job.artifact === null && job.gates.every(({ kind }) => kind !== 'merge')) {
    return undefined;
  }
  const [branch, unchangedSince] = await Promise.all([
    api.get<Repo>(`/repos/${job.repo.id}`).then((repo) => repo.branch, ifGone),
    findUnchanged(api, job),
  ]);
  return { job, branch, unchangedSince };
}

/** The files with what was added and removed, and the commands that show it whole. */
export function changeLines({ paint }: Output, { job, branch, unchangedSince }: Change): string {
  const { files, added, removed, paths } = statOf(job.artifact?.stat);
  const lines: string[] = [];
  if (files > 0) {
    const counts = `${paint('green', `+${added}`)} ${paint('red', `−${removed}`)}`;
    lines.push(`changes ${files} ${files === 1 ? 'file' : 'files'}, ${counts}`);
    lines.push(...paths.slice(0, SHOWN_PATHS).map((path) => `  ${oneLine(path)}`));
    if (paths.length > SHOWN_PATHS) {
      lines.push(`  … ${paths.length - SHOWN_PATHS} more files`);
    }
    lines.push(`  autodev job ${job.id} --diff`);
  }
  if (job.branch !== null && branch !== undefined) {
    lines.push(`  git diff ${oneLine(branch)}...${oneLine(job.branch)}`);
  }
  if (unchangedSince !== undefined) {
    lines.push(paint('yellow', `▲ unchanged since ${unchangedSince}`));
  }
  return lines.join('\n');
}

/** A job that was sent back and opened its gate on the commit that it was sent back with. */
async function findUnchanged(
  api: ApiClient,
  { trigger, gates }: JobDetail,
): Promise<string | undefined> {
  if (trigger.kind !== 'changes' || trigger.from_job === undefined) {
    return undefined;
  }
  const heads = new Set(gates.map(({ head }) => head).filter((head) => head !== null));
  const before = await api.get<{ gates: Gate[] }>('/gates', {
    job: trigger.from_job,
    state: 'changes',
  });
  return before.gates.findLast(({ head }) => head !== null && heads.has(head))?.id;
}

function ifGone(error: unknown): undefined {
  if (!(error instanceof AppError && error.code === 'NOT_FOUND')) {
    throw error;
  }
}

interface Stat {
  files: number;
  added: number;
  removed: number;
  paths: string[];
}

function statOf(stat: unknown): Stat {
  const { files, added, removed, paths }: Record<string, unknown> =
    typeof stat === 'object' && stat !== null ? { ...stat } : {};
  const count = (value: unknown): number => (typeof value === 'number' ? value : 0);
  return {
    files: count(files),
    added: count(added),
    removed: count(removed),
    paths: Array.isArray(paths) ? paths.filter((path) => typeof path === 'string') : [],
  };
}
