import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import picomatch from 'picomatch';

import { createPostgresBus } from '../control/postgres/bus.ts';
import { findArtifact } from '../db/artifacts.ts';
import type { Db } from '../db/db.ts';
import { listEffects } from '../db/effects.ts';
import { insertJobs, type NewJob } from '../db/enqueue.ts';
import { getJob, type JobRow } from '../db/job-rows.ts';
import { setLaneLimits, setRepoSlots } from '../db/lanes.ts';
import { addRepo, type Repo } from '../db/repos.ts';
import { recordRevision } from '../db/revisions.ts';
import { sql } from '../db/sql.ts';
import { readTranscript } from '../db/views/transcript.ts';
import { AGENTS } from '../domain/agent.ts';
import { formatJobId } from '../domain/job-id.ts';
import type { RepoSpec } from '../domain/spec.ts';
import { createZoneOffset } from '../domain/zone-offset.ts';
import { createGit } from '../forge/git.ts';
import { createLocalForge } from '../forge/local/forge.ts';
import { systemClock } from '../kernel/clock.ts';
import { silentLog } from '../kernel/log.ts';
import { commandProvider } from '../llm/command.ts';
import { chooseSandbox } from '../sandbox/choose-sandbox.ts';
import { placeProgram } from '../sandbox/place-program.ts';
import { makeToolbox } from '../sandbox/toolbox.ts';
import { openGateway } from './gateway-fixture.ts';
import { LEASE_TIMES } from './lease.ts';
import { createRunner, type RunnerDeps } from './runner.ts';
import { type AgentFixture, repoSpec } from './spec-fixture.ts';

const MIB = 1024 * 1024;
const PATIENCE_MS = 30_000;
const POLL_MS = 25;
/** Nobody answers there. */
const NO_MODELS = { codex: 'http://127.0.0.1:9/v1', claude: 'http://127.0.0.1:9' };

export interface RunnerFixture extends AsyncDisposable {
  readonly repo: Repo;
  readonly folder: string;
  readonly deps: RunnerDeps;
  git(...args: string[]): string;
  /** Commits files to the default branch of the repository and answers the commit. */
  commit(files: Readonly<Record<string, string>>): string;
  /** Makes these agents what is in force. */
  apply(agents: Readonly<Record<string, AgentFixture>>, rest?: Partial<RepoSpec>): Promise<void>;
  queue(job?: Partial<NewJob>): Promise<number>;
  /** Starts a runner; stops it at the end, or earlier by hand. */
  start(changes?: Partial<RunnerDeps>): { stop(): Promise<void> };
  /** Waits until the job is in one of `states`. */
  until(id: number, ...states: JobRow['state'][]): Promise<JobRow>;
  transcript(id: number): Promise<string>;
}

/** A repository with a real history, rows that say what runs on it, and runners to start. */
export async function openRunnerFixture(db: Db): Promise<RunnerFixture> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'runner-')));
  chmodSync(folder, 0o711);
  const path = join(folder, 'repo');
  const PATH = process.env['PATH'] ?? '';
  const person = { NAME: 'Person', EMAIL: 'person@example.org' };
  const env = {
    PATH,
    HOME: folder,
    GIT_CONFIG_NOSYSTEM: '1',
    ...Object.fromEntries(
      Object.entries(person).flatMap(([name, value]) => [
        [`GIT_AUTHOR_${name}`, value],
        [`GIT_COMMITTER_${name}`, value],
      ]),
    ),
  };
  const run = (...args: string[]): string =>
    execFileSync('git', args, { cwd: path, env, encoding: 'utf8' }).trim();
  const commit = (files: Readonly<Record<string, string>>): string => {
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(dirname(join(path, file)), { recursive: true });
      writeFileSync(join(path, file), text);
    }
    run('add', '-A');
    run('commit', '-q', '--allow-empty', '-m', 'Work of a person');
    return run('rev-parse', 'HEAD');
  };
  mkdirSync(path);
  run('init', '-q', '-b', 'main');
  commit({ 'src/add.txt': 'one\n', 'README.md': 'read me\n' });

  await resetRows(db);
  const repo = await addRepo(db, { path: 'app', forge: 'local', location: path, branch: 'main' });
  await setRepoSlots(db, repo.id, 20);
  await setLaneLimits(
    db,
    repo.id,
    AGENTS.map((agent) => ({ agent, maxRunning: 10 })),
  );
  const plain = await runnerDeps(db, { folder, PATH });
  const silent = await openGateway(plain, { folder, baseUrls: NO_MODELS });
  const deps = { ...plain, llm: silent.access };
  const started = new Set<() => Promise<void>>();

  return {
    repo,
    folder,
    deps,
    git: run,
    commit,
    async apply(agents, rest = {}) {
      const workers = Object.entries(agents).map(([name, { worker = 'true' }]) => [
        `.autodev/${name}.sh`,
        worker,
      ]);
      const head = commit(Object.fromEntries(workers));
      const spec = repoSpec(agents, rest);
      const revisionId = await recordRevision(db, {
        repoId: repo.id,
        commit: head,
        blobs: {},
        digest: 'digest',
        state: 'applied',
        spec,
        source: '',
        author: 'Person',
        subject: 'Work of a person',
        plan: null,
        diagnostics: [],
      });
      await db.query(
        sql`update repo_sync set revision_id = ${revisionId} where repo_id = ${repo.id}`,
      );
    },
    async queue(job = {}) {
      const [id] = await insertJobs(db, [
        {
          repoId: repo.id,
          agent: 'builder',
          title: 'Say two',
          task: 'Make it say two.',
          trigger: { kind: 'manual', actor: 'ada' },
          trust: 'owner',
          ...job,
        },
      ]);
      return id ?? 0;
    },
    start(changes = {}) {
      const stop = new AbortController();
      const ended = createRunner({ ...deps, ...changes })(stop.signal);
      // Whoever stops it sees the failure.
      ended.catch(() => {});
      const end = async (): Promise<void> => {
        started.delete(end);
        stop.abort();
        await ended;
      };
      started.add(end);
      return { stop: end };
    },
    async until(id, ...states) {
      const deadline = systemClock.now().getTime() + PATIENCE_MS;
      const never = new AbortController().signal;
      for (;;) {
        const job = await getJob(db, id);
        if (job !== undefined && states.includes(job.state)) {
          return job;
        }
        if (systemClock.now().getTime() > deadline) {
          const is = `${job?.state} (${job?.reason}: ${job?.detail})`;
          throw new Error(`${formatJobId(id)} is ${is}, not ${states.join(' or ')}`);
        }
        await systemClock.sleep(POLL_MS, never);
      }
    },
    async transcript(id) {
      const texts: string[] = [];
      for (let after = { attempt: 0, line: -1 }; ;) {
        const lines = await readTranscript(db, { jobId: id, after });
        const last = lines.at(-1);
        if (last === undefined) {
          return texts.join('\n');
        }
        texts.push(...lines.map(({ text }) => text));
        after = last;
      }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...started].map((end) => end()));
      await silent[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export async function runnerDeps(
  db: Db,
  { folder, PATH }: { folder: string; PATH: string },
): Promise<RunnerDeps> {
  const clock = systemClock;
  const toolbox = await makeToolbox(join(folder, 'tools'), process.execPath);
  const { sandbox, degraded } = await chooseSandbox({ clock, toolbox }, 'auto');
  if (degraded !== undefined) {
    process.stderr.write(`TESTS RUN WITHOUT A SANDBOX: ${degraded}\n`);
  }
  const git = createGit({ path: PATH, clock });
  mkdirSync(join(folder, 'scratch'), { recursive: true });
  return {
    db,
    bus: createPostgresBus({ db }),
    clock,
    log: silentLog,
    git,
    forge: createLocalForge({
      git,
      clock,
      scratch: join(folder, 'scratch'),
      identity: { name: 'Auto-Dev', email: 'autodev@localhost' },
    }),
    sandbox,
    providers: [{ provider: commandProvider }],
    matches: (glob, path) => picomatch.isMatch(path, glob, { dot: true }),
    folder: join(folder, 'data'),
    roleOf: (agent) => ({ title: agent, instructions: agent }),
    placeProgram: (host) => placeProgram(join(folder, 'programs'), host),
    author: { name: 'Auto-Dev', email: 'autodev@localhost' },
    bounds: {
      processes: 100,
      fileBytes: 512 * MIB,
      tmpBytes: 64 * MIB,
      outputBytes: 16 * MIB,
      diskBytes: 512 * MIB,
    },
    graceMs: 500,
    oomKills: () => 0,
    zoneOffset: createZoneOffset(),
    policy: ({ spec }) => ({ spec }),
    agents: AGENTS,
    slots: 4,
    host: 'test',
    pid: process.pid,
    sandboxState: { mode: 'auto', protected: degraded === undefined },
    times: LEASE_TIMES,
  };
}

async function resetRows(db: Db): Promise<void> {
  await db.query(sql`
    truncate repo, repo_slot, lane, lane_hold, job, job_done, job_event, attempt, runner, artifact, transcript, effect,
      worker_session, credential, ledger, budget_window, budget_grant, control, breaker, run_note, gate restart identity cascade
  `);
}

/** Runs one job of an agent to its end and answers what is said about it. */
export async function runOnce(s: RunnerFixture, agent: AgentFixture) {
  await s.apply({ builder: agent });
  const id = await s.queue();
  const runner = s.start();
  const job = await s.until(id, 'publishing', 'failed', 'succeeded', 'waiting');
  await runner.stop();
  const left = {
    artifact: await findArtifact(s.deps.db, { jobId: id }),
    effects: await listEffects(s.deps.db, id),
  };
  return { ...job, left };
}
