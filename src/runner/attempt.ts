import type { AttemptFence, CheckResult } from '../db/attempts.ts';
import { setAttemptProcess } from '../db/attempts.ts';
import type { Db } from '../db/db.ts';
import { formatJobId } from '../domain/job-id.ts';
import type { Output } from '../domain/output.ts';
import type { MatchesGlob } from '../domain/protected-paths.ts';
import { visibleText } from '../domain/sanitize.ts';
import type { Forge } from '../forge/forge.ts';
import type { Git } from '../forge/git.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import type { Provider } from '../llm/provider.ts';
import type { BoxLimits, Sandbox } from '../sandbox/sandbox.ts';
import type { BoxContext, Failure } from './box-run.ts';
import { boxOf, failureOfEnd, runCommands, runInBox } from './box-run.ts';
import type { ClaimedAttempt } from './claim.ts';
import { commitMessage, configLineOf } from './commit-message.ts';
import { failureOf } from './failure-of.ts';
import { judgeResult } from './judge-result.ts';
import { readOutputs } from './read-outputs.ts';
import { isDatabaseAway, untilDone } from './retry.ts';
import { findStart, type StartPoint } from './start-point.ts';
import { takeResult, type Result } from './take-result.ts';
import { taskOf } from './task-file.ts';
import type { Transcript } from './transcript-writer.ts';
import { bringMirror, furnish, openRoom, type Room } from './workspace-room.ts';

/** Bounds of a box that no autodev.yaml sets. */
type BoxBounds = Pick<
  BoxLimits,
  'processes' | 'fileBytes' | 'tmpBytes' | 'outputBytes' | 'diskBytes'
>;

export interface AttemptDeps {
  readonly db: Db;
  readonly clock: Clock;
  readonly log: Log;
  readonly git: Git;
  readonly forge: Pick<Forge, 'fetchMirror'>;
  readonly sandbox: Sandbox;
  readonly providers: readonly Provider[];
  readonly matches: MatchesGlob;
  /** The runner's own folder on the data volume. */
  readonly folder: string;
  /** What a role is, for its task file. */
  readonly describeRole: (agent: string) => string;
  /** Author and committer of results. */
  readonly author: { readonly name: string; readonly email: string };
  readonly bounds: BoxBounds;
  /** Between asking a worker to end and killing it. */
  readonly graceMs: number;
}

/** What an attempt came to. Nothing of it counts before `completeAttempt` has written it. */
export interface AttemptResult {
  /** `done`, or why not. */
  readonly failure: Failure | undefined;
  readonly outputs: readonly Output[];
  readonly change: Result['change'];
  readonly checks: readonly CheckResult[];
  /** The commit that it worked at. */
  readonly base: string | undefined;
}

const STOPPED: Failure = { reason: 'cancelled', detail: 'It was stopped.' };
const MOST_DETAIL_CHARACTERS = 2000;

/** For our own git in its box, whatever the worker may use. It is silent, so it is not asked for output. */
const GIT_LIMITS = {
  memoryBytes: 4 * 1024 ** 3,
  diskBytes: Number.MAX_SAFE_INTEGER,
  wallMs: 10 * 60_000,
  idleMs: 10 * 60_000,
};

/**
 * The story of one attempt: workspace, setup, worker, outputs, final tree, patch check, check. It writes nothing but
 * the transcript and the process that runs; never rejects.
 *
 * @param stop ends the worker, and with it the attempt
 */
export async function runAttempt(
  deps: AttemptDeps,
  {
    claimed,
    fence,
    transcript,
    slot,
  }: { claimed: ClaimedAttempt; fence: AttemptFence; transcript: Transcript; slot: number },
  stop: AbortSignal,
): Promise<AttemptResult> {
  const checks: CheckResult[] = [];
  let base: string | undefined;
  const end = ({ reason, detail }: Failure): AttemptResult => {
    // It may quote what a worker printed.
    const failure = { reason, detail: visibleText(detail).slice(0, MOST_DETAIL_CHARACTERS) };
    transcript.write('autodev', failure.detail);
    return { failure, outputs: [], change: undefined, checks, base };
  };

  try {
    const { job, repo, spec } = claimed;
    await using room = await openRoom(deps, repo);
    await bringMirror(deps, room, repo, stop);
    const known = await untilDone(
      deps,
      stop,
      async () => ({
        at: await findStart(deps, { job, repo, mirror: room.mirror }, stop),
        configLine: await configLineOf(deps.db, claimed),
      }),
      isDatabaseAway,
    );
    if (known === undefined) {
      return end(STOPPED);
    }
    const { at, configLine } = known;
    base = at.base;
    const role = deps.describeRole(job.agent);
    const branch = job.branch ?? `autodev/${job.agent}/${job.id}`;
    const task = taskOf(claimed, { base: at.start, role });
    await furnish(deps, room, { ...at, branch, task, slot }, stop);

    const context = boxContext(deps, { claimed, fence, transcript, slot, room, at, stop });
    const { setup, env, network } = spec;
    const setupFailure = await runCommands(context, {
      commands: setup,
      failsAs: 'setup_failed',
      env,
      allow: network.allow,
      results: checks,
    });
    const failure = setupFailure ?? (await runWorker(deps, context, { claimed, role }));
    if (failure !== undefined) {
      return end(failure);
    }

    const read = await readOutputs(room.outputs);
    if ('failure' in read) {
      return end(read.failure);
    }
    const message = commitMessage(claimed, { lines: read.lines, configLine });
    const { author } = deps;
    const taking = { room, at, message, author, slot, limits: { ...deps.bounds, ...GIT_LIMITS } };
    const { change: found, irregular } = await takeResult(deps, taking, stop);
    const judged = judgeResult(deps, claimed, { lines: read.lines, change: found, irregular });
    if ('failure' in judged) {
      return end(judged.failure);
    }

    const { outputs, change } = judged;
    const commands = spec.check === 'pipeline' || change === undefined ? [] : spec.check;
    const results = checks;
    const checked = await runCommands(context, { commands, failsAs: 'check_failed', env, results });
    if (checked !== undefined) {
      return end(checked);
    }
    return { failure: undefined, outputs, change, checks, base };
  } catch (error) {
    // What we were doing ourselves was broken off in the middle: that is no failure of it.
    if (stop.aborted && error instanceof AppError) {
      return end(STOPPED);
    }
    const failure = failureOf(error);
    if (failure.reason === 'internal') {
      deps.log.error({ err: error, job: formatJobId(claimed.job.id) }, 'attempt failed inside');
    }
    return end(failure);
  }
}

function boxContext(
  { db, clock, log, sandbox, bounds, graceMs }: AttemptDeps,
  {
    claimed,
    fence,
    transcript,
    slot,
    room,
    at,
    stop,
  }: {
    claimed: ClaimedAttempt;
    fence: AttemptFence;
    transcript: Transcript;
    slot: number;
    room: Room;
    at: StartPoint;
    stop: AbortSignal;
  },
): BoxContext {
  const { wallMs, idleMs, memoryBytes } = claimed.spec.limits;
  const endsAt = clock.now().getTime() + wallMs;
  return {
    clock,
    sandbox,
    room,
    transcript,
    slot,
    graceMs,
    stop,
    limits: () => {
      const leftMs = Math.max(1, endsAt - clock.now().getTime());
      return { ...bounds, memoryBytes, wallMs: leftMs, wholeWallMs: wallMs, idleMs };
    },
    onProcess: async ({ pid, startTime }) => {
      await setAttemptProcess(db, fence, { base: at.base, pid, startTime }).catch(
        (error: unknown) => {
          // It only helps a later runner to clean up; the fence is asked again at the end.
          log.warn({ err: error }, 'could not note the process of an attempt');
        },
      );
    },
  };
}

async function runWorker(
  { providers, sandbox }: AttemptDeps,
  context: BoxContext,
  {
    claimed: { job, provider: spec, spec: agent },
    role,
  }: { claimed: ClaimedAttempt; role: string },
): Promise<Failure | undefined> {
  const provider = providers.find(({ name }) => name === spec.name);
  if (provider === undefined) {
    return { reason: 'provider_error', detail: `This runner has no provider ${spec.name}.` };
  }
  const parser = provider.newParser(spec);
  const { room } = context;
  const locate = (inside: string): string =>
    sandbox.locate({ binds: room.binds, sockets: [] }, inside);
  const { file, argv, env, stdin } = provider.buildCommand(spec, {
    cwd: locate(room.cwd),
    home: locate(room.home),
    role,
    prompt: job.task,
    maxTurns: agent.limits.turns,
  });
  const box = boxOf(context, {
    ...agent.env,
    AUTODEV_TASK_FILE: room.taskFile,
    AUTODEV_OUTPUTS: room.outputsFile,
    ...env,
  });
  const command = { file, argv, ...(stdin !== undefined && { stdin }) };
  const end = await runInBox(context, { box, command }, (line) => {
    parser.line(line);
  });
  if (end.reason !== 'exited' && end.reason !== 'signalled') {
    return failureOfEnd(end);
  }
  const verdict = parser.end(
    end.reason === 'exited'
      ? { code: end.code, signal: undefined }
      : { code: undefined, signal: end.signal },
  );
  return verdict.type === 'done' ? undefined : verdict;
}
