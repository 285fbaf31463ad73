import type { CheckResult } from '../db/attempts.ts';
import type { Spend } from '../domain/budget.ts';
import type { Output } from '../domain/output.ts';
import type { MatchesGlob } from '../domain/protected-paths.ts';
import type { BoxContext, Failure } from './box-run.ts';
import { runCommands } from './box-run.ts';
import type { ClaimedAttempt } from './claim.ts';
import { commitMessage } from './commit-message.ts';
import { judgeResult } from './judge-result.ts';
import { readOutputs } from './read-outputs.ts';
import type { StartPoint } from './start-point.ts';
import { takeResult, type Result, type ResultDeps } from './take-result.ts';

/** Bounds of a box that no autodev.yaml sets. */
type BoxBounds = Pick<
  ReturnType<BoxContext['limits']>,
  'processes' | 'fileBytes' | 'tmpBytes' | 'outputBytes' | 'diskBytes'
>;

export interface FinishDeps extends ResultDeps {
  readonly matches: MatchesGlob;
  /** Author and committer of results. */
  readonly author: { readonly name: string; readonly email: string };
  readonly bounds: BoxBounds;
}

/** What is left of a worker's run. `change` is also there with a failure, for whoever tries again. */
export interface Finished {
  readonly failure: Failure | undefined;
  readonly outputs: readonly Output[];
  readonly change: Result['change'];
}

interface Finishing {
  readonly claimed: ClaimedAttempt;
  readonly context: BoxContext;
  readonly at: StartPoint;
  readonly configLine: number;
  readonly spent: Spend;
  /** Gets what each command of `check` came to. */
  readonly checks: CheckResult[];
}

/** For our own git in its box, whatever the worker may use. It is silent, so it is not asked for output. */
const GIT_LIMITS = {
  memoryBytes: 4 * 1024 ** 3,
  diskBytes: Number.MAX_SAFE_INTEGER,
  wallMs: 10 * 60_000,
  idleMs: 10 * 60_000,
};

/** Reads what a worker handed in, takes its tree as one commit, holds both against what it may do, runs the checks. */
export async function finishWork(deps: FinishDeps, finishing: Finishing): Promise<Finished> {
  const { claimed, context, checks } = finishing;
  const { spec } = claimed;
  const read = await readOutputs(context.room.outputs);
  if ('failure' in read) {
    return { failure: read.failure, outputs: [], change: undefined };
  }
  const { lines } = read;
  const { change: found, irregular } = await takeTree(deps, finishing, lines);
  const judged = judgeResult(deps, claimed, { lines, change: found, irregular });
  if ('failure' in judged) {
    return { failure: judged.failure, outputs: [], change: found };
  }

  const { outputs, change } = judged;
  const failure = await runCommands(context, {
    commands: spec.check === 'pipeline' || change === undefined ? [] : spec.check,
    failsAs: 'check_failed',
    env: spec.env,
    results: checks,
  });
  return { failure, outputs, change };
}

/** The tree as a worker left it, as one commit on its base. Throws PATCH_REFUSED for what cannot be taken. */
export function takeTree(
  deps: FinishDeps,
  { claimed, context, at, configLine, spent }: Omit<Finishing, 'checks'>,
  lines: Parameters<typeof commitMessage>[1]['lines'],
): Promise<Result> {
  const { room, slot, stop } = context;
  const message = commitMessage(claimed, { lines, configLine, spent });
  const limits = { ...deps.bounds, ...GIT_LIMITS };
  return takeResult(deps, { room, at, message, author: deps.author, slot, limits }, stop);
}
