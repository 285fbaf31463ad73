import type { Role as RoleText } from '../config/roles.ts';
import type { Db } from '../db/db.ts';
import { listSubjectTexts } from '../db/subject-texts.ts';
import type { Provider, WorkerCommand } from '../llm/provider.ts';
import { LLM_URL_INSIDE } from '../sandbox/bridge.ts';
import type { BoxSpec, Sandbox } from '../sandbox/sandbox.ts';
import type { AttemptMeter } from './attempt-meter.ts';
import type { ClaimedAttempt } from './claim.ts';
import type { Resumable } from './kept-session.ts';
import type { LlmAccess, ProviderOffer } from './llm-access.ts';
import { splitPromptOf, type OutsideText } from './prompt.ts';
import type { StartPoint } from './start-point.ts';
import type { Room } from './workspace-room.ts';

/** A worker before its start. */
export interface PlannedWorker {
  readonly provider: Provider;
  readonly command: WorkerCommand;
  /** What its program needs in the box. */
  readonly programs: BoxSpec['binds'];
  readonly newParser: () => ReturnType<Provider['newParser']>;
  readonly resumed: Resumable | undefined;
}

export interface PlanDeps {
  readonly sandbox: Sandbox;
  readonly llm?: LlmAccess | undefined;
  /** Puts a program of this machine where a box can show it. */
  readonly placeProgram: (host: string) => Promise<string>;
  /** What a role is. */
  readonly roleOf: (agent: string) => Pick<RoleText, 'title' | 'instructions'>;
}

/** Decides how the worker of an attempt is started. Throws PROVIDER_UNAVAILABLE or INVALID_REQUEST when it cannot be. */
export async function planWorker(
  { sandbox, llm, placeProgram, roleOf }: PlanDeps,
  {
    claimed,
    offer: { provider, api },
    room,
    at,
    subject,
    meter,
    resumable,
  }: {
    claimed: ClaimedAttempt;
    offer: ProviderOffer;
    room: Room;
    at: Pick<StartPoint, 'start'>;
    subject: readonly OutsideText[];
    meter: AttemptMeter | undefined;
    resumable: Resumable | undefined;
  },
): Promise<PlannedWorker> {
  const { job, repo, spec, provider: asked } = claimed;
  const { role, prompt } = splitPromptOf({
    role: roleOf(job.agent),
    repo: repo.path,
    base: at.start,
    spec,
    memory: [],
    subject,
    job,
  });
  const locate = (inside: string): string =>
    sandbox.locate({ binds: room.binds, sockets: [] }, inside);
  const model = api && llm?.defaultModels[api];
  const command = provider.buildCommand(asked, {
    cwd: locate(room.cwd),
    home: locate(room.home),
    role,
    prompt,
    maxTurns: spec.limits.turns,
    ...(model !== undefined && { model }),
    ...(meter && {
      gateway: { url: sandbox.isolates ? LLM_URL_INSIDE : meter.address, token: meter.token },
    }),
    ...(resumable && { resume: resumable.resume }),
  });
  const programs = await Promise.all(
    command.programs.map(async ({ host, at: inside }) => ({
      host: await placeProgram(host),
      at: inside,
      writable: false,
    })),
  );
  const run = {
    ...(model !== undefined && { model }),
    ...(resumable && { used: resumable.used }),
  };
  return {
    provider,
    command,
    programs,
    newParser: () => provider.newParser(asked, run),
    resumed: resumable,
  };
}

/** What a job is about, in the words of those who wrote it. Nobody's role is taken for higher than the job's own trust. */
export async function readSubject(
  db: Db,
  { job }: Pick<ClaimedAttempt, 'job'>,
): Promise<OutsideText[]> {
  const texts = await listSubjectTexts(db, job);
  return texts.map(({ what, author, text }) => ({
    what,
    author: author ?? 'somebody',
    role: author === 'autodev' ? 'autodev' : job.trust,
    text,
  }));
}
