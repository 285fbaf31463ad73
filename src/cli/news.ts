import type { Gate } from '../db/views/gate-list.ts';
import type { Job } from '../db/views/job-list.ts';
import type { Repo } from '../db/views/repo-list.ts';
import { isFinal } from '../domain/job-state.ts';
import type { Output } from './output.ts';
import { oneLine } from './output.ts';
import { repoState, troubles } from './repo-table.ts';
import { stateWord } from './words.ts';

type Painter = Pick<Output, 'paint'>;

/** What stands at one moment: enough to tell what happened between two of them. */
export interface Scene {
  /** Those that are not final, and of the newest also those that are. */
  jobs: readonly Job[];
  /** Those that are open. */
  gates: readonly Gate[];
  repos: readonly Repo[];
}

/** A line for each thing that happened between two moments, in the order in which one leads to the other. */
export function newsBetween(output: Painter, before: Scene, after: Scene): readonly string[] {
  return [
    ...changed(before.repos, after.repos, configOf).flatMap((repo) => configLine(output, repo)),
    ...changed(before.jobs, after.jobs, stageOf).flatMap((job) => jobLine(output, job)),
    ...changed(before.gates, after.gates, ({ id }) => id).map((gate) => gateLine(output, gate)),
  ];
}

/** Those of `after` that are new, or of which `what` says something else than before. */
function changed<T extends { id: string }>(
  before: readonly T[],
  after: readonly T[],
  what: (one: T) => string | undefined,
): T[] {
  const known = new Map(before.map((one) => [one.id, what(one)]));
  return after.filter((one) => known.get(one.id) !== what(one));
}

function configOf({ revision, held, suspended, conditions }: Repo): string {
  return JSON.stringify([revision?.commit, held?.commit, suspended, troubles(conditions)]);
}

function configLine(output: Painter, repo: Repo): string[] {
  const { id, revision, held, conditions } = repo;
  const [trouble] = troubles(conditions);
  const head = `${oneLine(repo.path)} ${repoState(output, repo)}`;
  const commit = revision?.commit.slice(0, 8);
  if (trouble !== undefined) {
    return [`${head}: ${trouble}${commit === undefined ? '' : `; ${commit} stays in force`}`];
  }
  if (held !== null) {
    return [`${head}: autodev plan ${id}`];
  }
  return revision === null ? [] : [`${head}: ${commit} ${oneLine(revision.subject)}`];
}

/** The stage of its life that a line is worth: one that waits in line, and one whose gate speaks for it, has none. */
function stageOf({ state, wait_reason: waits, attempts }: Job): string | undefined {
  const told = state === 'running' || isFinal(state) || (state === 'waiting' && waits === 'budget');
  return told ? `${state} ${attempts}` : undefined;
}

function jobLine(output: Painter, job: Job): string[] {
  const { id, repo, agent, title, attempts, reason, detail, merge_request: request } = job;
  const head = `${id} ${stateWord(output, job)}`;
  if (stageOf(job) === undefined) {
    return [];
  }
  if (job.state === 'running') {
    const again = attempts > 1 ? ` (try ${attempts})` : '';
    return [`${head}: ${agent} on ${oneLine(repo.path)}: ${oneLine(title)}${again}`];
  }
  if (job.state === 'succeeded') {
    return [
      `${head}: ${request?.state === 'merged' ? `!${request.number} is merged` : oneLine(title)}`,
    ];
  }
  return [`${head}: ${oneLine(detail ?? reason ?? title)}`];
}

function gateLine({ paint }: Painter, { id, kind, repo, title }: Gate): string {
  return `${paint('yellow', `▲ ${id} ${kind}`)} on ${oneLine(`${repo.path}: ${title}`)} · autodev approvals ${id}`;
}
