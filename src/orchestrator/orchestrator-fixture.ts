import { buffer } from 'node:stream/consumers';

import { insertArtifact } from '../db/artifacts.ts';
import { insertAttempts } from '../db/attempts.ts';
import type { Db } from '../db/db.ts';
import { insertEffects } from '../db/effects.ts';
import type { NewJob } from '../db/enqueue.ts';
import { insertJobs } from '../db/enqueue.ts';
import type { JobRow } from '../db/job-rows.ts';
import { getJob } from '../db/job-rows.ts';
import { addRepo } from '../db/repos.ts';
import { registerRunner } from '../db/runners.ts';
import { sql } from '../db/sql.ts';
import type { AttemptEnd } from '../db/turn.ts';
import { turn } from '../db/turn.ts';
import { AGENTS, agentCode } from '../domain/agent.ts';
import type { Output } from '../domain/output.ts';
import type { RepoSpec } from '../domain/spec.ts';
import { repoFixture } from '../forge/local/repo-fixture.ts';
import type { RepoFixture } from '../forge/local/repo-fixture.ts';
import { systemClock } from '../kernel/clock.ts';
import { silentLog } from '../kernel/log.ts';
import type { EffectDeps } from './effect-handler.ts';
import { carryOutEffects } from './effects.ts';
import type { GateDeps } from './gate-deps.ts';
import { finishPublishing } from './publishing.ts';
import { AGENT, MERGE_REQUEST, SPEC } from './spec-fixture.ts';
import type { TriggerDeps } from './start-triggered.ts';

export const OPERATOR = 'me';

type FixtureDeps = GateDeps & EffectDeps & TriggerDeps;

interface Work {
  readonly job?: Partial<NewJob>;
  /** What the worker changed; left out: nothing, and no artifact. */
  readonly files?: Record<string, string>;
  readonly base?: string;
  readonly outputs?: readonly Output[];
  readonly staged?: boolean;
  readonly end?: Partial<AttemptEnd>;
}

/** A repository with a file in force, a runner that the test plays, and what the orchestrator's parts need. */
export interface OrchestratorFixture extends Disposable {
  readonly git: RepoFixture;
  readonly repoId: number;
  readonly signal: AbortSignal;
  readonly deps: FixtureDeps;
  readonly enqueue: (job?: Partial<NewJob>) => Promise<number>;
  /** Claims exactly this job, which must be the only queued one of its lane, and writes its attempt. */
  readonly claim: (jobId: number) => Promise<JobRow>;
  /** Ends the claimed attempt of a job as the runner does: artifact, effects and where the job goes. */
  readonly complete: (jobId: number, work?: Work) => Promise<void>;
  /** Enqueues, claims and completes; answers the job's id. */
  readonly work: (work?: Work) => Promise<number>;
  readonly job: (id: number) => Promise<JobRow>;
  readonly setSpec: (spec: Partial<RepoSpec>) => Promise<void>;
}

/** Carries out effects and moves their jobs on until nothing moves. */
export async function publishAll({
  deps,
  signal,
}: Pick<OrchestratorFixture, 'deps' | 'signal'>): Promise<void> {
  let moved = 1;
  while (moved > 0) {
    moved = (await carryOutEffects(deps, signal)) + (await finishPublishing(deps));
  }
}

/** Everything of earlier tests is gone afterwards: services look at all rows. */
export async function orchestratorFixture(
  db: Db,
  change: Partial<RepoSpec> = {},
): Promise<OrchestratorFixture> {
  await db.query(sql`
    truncate repo, job, job_done, job_event, lane, lane_hold, repo_slot, runner, attempt, artifact, control, control_ack,
      effect, gate, vote, event, run_note, breaker, audit, budget_window, budget_grant, setback, fault restart identity cascade
  `);
  const git = repoFixture();
  const { id: repoId } = await db.transaction((tx) =>
    addRepo(tx, { path: 'repo', forge: 'local', location: git.path, branch: 'main' }),
  );
  await db.query(sql`update repo_slot set max_running = 50 where repo_id = ${repoId}`);
  await db.query(sql`
    insert into lane (repo_id, agent, max_running) select ${repoId}, a, 20 from unnest(${AGENTS.map(agentCode)}::smallint[]) a
  `);
  const setSpec = async (spec: Partial<RepoSpec>): Promise<void> => {
    await db.query(sql`
      with made as (
        insert into revision (repo_id, commit, blobs, digest, state, spec, source, author, subject)
        values (${repoId}, ${git.sh(['rev-parse', 'main'])}, '{}', md5(random()::text), 'applied',
          ${JSON.stringify({ ...SPEC, ...spec })}::jsonb, '', 'Person', 'Change')
        returning id
      )
      update repo_sync set revision_id = made.id from made where repo_id = ${repoId}
    `);
  };
  await setSpec(change);
  const { id: runner, epoch } = await registerRunner(db, {
    key: 'runner',
    agents: AGENTS,
    providers: ['command'],
    slots: 50,
    host: 'test',
    pid: 1,
    sandbox: { mode: 'none', protected: false },
    leaseMs: 60_000,
  });

  const job = async (id: number): Promise<JobRow> => {
    const row = await getJob(db, id);
    if (!row) {
      throw new Error(`there is no job ${id}`);
    }
    return row;
  };
  const enqueue = async (wanted: Partial<NewJob> = {}): Promise<number> => {
    const [id] = await db.transaction((tx) =>
      insertJobs(tx, [
        {
          repoId,
          agent: 'builder',
          title: 'Fix rounding',
          task: 'Fix rounding.',
          trigger: { kind: 'manual', actor: 'ada' },
          trust: 'owner',
          ...wanted,
        },
      ]),
    );
    if (id === undefined) {
      throw new Error('the job was taken for one that is there');
    }
    return id;
  };
  const claim = async (id: number): Promise<JobRow> => {
    const { agent } = await job(id);
    return db.transaction(async (tx) => {
      const { claimed } = await turn(tx, {
        ends: [],
        runner,
        epoch,
        agents: [agent],
        claim: 1,
        lanes: 8,
      });
      const [row] = claimed;
      if (row?.id !== id) {
        throw new Error(`job ${row?.id} was claimed instead of ${id}`);
      }
      await insertAttempts(tx, [
        {
          jobId: id,
          attempt: row.attempts,
          runner,
          epoch,
          provider: 'command',
          model: null,
          spec: AGENT,
          digest: 'digest',
          revisionId: 1,
          sandboxed: true,
          reservedMicroUsd: 0,
          reservedTokens: 0,
          windows: [],
        },
      ]);
      return row;
    });
  };
  const complete = async (
    id: number,
    { files, base, outputs = files ? [MERGE_REQUEST] : [], staged = false, end = {} }: Work = {},
  ): Promise<void> => {
    const { attempts } = await job(id);
    const from = base ?? git.sh(['rev-parse', 'main']);
    const made = files && git.bundle(files, from);
    const bundle = made && (await buffer(made.bundle()));
    await db.transaction(async (tx) => {
      if (made && bundle) {
        await insertArtifact(tx, {
          jobId: id,
          attempt: attempts,
          repoId,
          base: from,
          head: made.head,
          stat: { files: 1, added: 1, removed: 0, paths: Object.keys(files) },
          diff: '',
          bundle,
        });
      }
      await insertEffects(
        tx,
        outputs.map((output, i) => ({
          repoId,
          jobId: id,
          attempt: attempts,
          position: i + 1,
          type: output.type,
          payload: { ...output },
          key: `${id}:${attempts}:${i + 1}`,
          staged,
        })),
      );
      const asks = outputs.some(({ type }) => type === 'question');
      await tx.query(sql`
        update attempt set ended_at = now() where job_id = ${id} and attempt = ${attempts}
      `);
      await turn(tx, {
        ends: [
          {
            id,
            attempt: attempts,
            state: staged || outputs.length === 0 ? 'succeeded' : 'publishing',
            reason: staged
              ? 'staged'
              : asks
                ? 'question'
                : outputs.length === 0
                  ? 'noop'
                  : 'succeeded',
            uncounted: asks,
            ...end,
          },
        ],
        runner,
        epoch,
        agents: [],
        claim: 0,
        lanes: 0,
      });
    });
  };

  return {
    git,
    repoId,
    signal: new AbortController().signal,
    deps: {
      db,
      clock: systemClock,
      log: silentLog,
      forge: git.forge,
      operator: OPERATOR,
      matches: (glob, path) => glob === path || glob === '**',
      recheckArtifact: async () => [],
      standingTask: (agent) => ({ title: `Standing ${agent}`, task: `What a ${agent} does.` }),
    },
    enqueue,
    claim,
    complete,
    work: async (work = {}) => {
      const id = await enqueue(work.job);
      await claim(id);
      await complete(id, work);
      return id;
    },
    job,
    setSpec,
    [Symbol.dispose]() {
      git[Symbol.dispose]();
    },
  };
}
