import { randomUUID } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Db } from '../db/db.ts';
import { endLostAttempts, listOpenAttemptsOfKey } from '../db/lost-attempts.ts';
import { findLeaseHolder, registerRunner } from '../db/runners.ts';
import type { Agent } from '../domain/agent.ts';
import { decideLost } from '../domain/lost-job.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import { descendants, isRunning, readProcess, signalProcess } from '../sandbox/process-tree.ts';
import type { RunnerSession } from './claim.ts';
import { removeTree } from './remove-tree.ts';

interface RegistrationDeps {
  readonly db: Db;
  readonly clock: Clock;
  readonly log: Log;
  /** The runner's own folder on the data volume. */
  readonly folder: string;
}

interface RunnerFacts {
  readonly agents: readonly Agent[];
  readonly providers: readonly string[];
  readonly slots: number;
  readonly host: string;
  readonly pid: number;
  readonly sandbox: {
    readonly mode: string;
    readonly protected: boolean;
    readonly reason?: string;
  };
  readonly leaseMs: number;
}

/**
 * Registers the runner of a data folder, after it has ended what an earlier process of that folder left: workers that
 * still run, workspaces, attempts. Its jobs are queued again, or failed where they have no attempt left.
 * Throws BUSY while another process of this machine works in the folder: both would end each other's workers.
 */
export async function register(
  { db, clock, log, folder }: RegistrationDeps,
  facts: RunnerFacts,
): Promise<RunnerSession> {
  const key = await readKey(folder);
  await refuseSecond(db, { key, folder, ...facts });
  const open = await listOpenAttemptsOfKey(db, key);
  for (const { pid, pidStartedAt } of open) {
    endProcess(pid, pidStartedAt);
  }
  await removeTree(join(folder, 'workspaces'));

  const limitsOf = new Map(open.map(({ jobId, spec }) => [jobId, spec.limits]));
  const now = clock.now().getTime();
  const { id, epoch, lost } = await registerRunner(
    db,
    { key, ...facts },
    {
      onLost: endLostAttempts,
      decide: (job) => decideLost(job, { loss: 'restarted', limits: limitsOf.get(job.id), now }),
    },
  );
  if (lost.length > 0) {
    log.warn(
      { runner: id, jobs: lost.map(({ job }) => job.id) },
      'took back jobs of an earlier run',
    );
  }
  return { id, epoch };
}

async function refuseSecond(
  db: Db,
  { key, folder, host, pid }: { key: string; folder: string } & Pick<RunnerFacts, 'host' | 'pid'>,
): Promise<void> {
  const holder = await findLeaseHolder(db, key);
  if (holder?.host !== host || holder.pid === pid) {
    return;
  }
  const state = readProcess(holder.pid)?.state;
  if (state !== undefined && state !== 'Z') {
    throw new AppError('BUSY', `the process ${holder.pid} runs workers in ${folder} already`, {
      remedy: 'Stop it, or give this runner a data folder of its own: `--data DIR`.',
    });
  }
}

async function readKey(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'key');
  // Written once; whoever comes second reads what the first one wrote.
  await writeFile(file, randomUUID(), { flag: 'wx', mode: 0o600 }).catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) {
      throw error;
    }
  });
  return (await readFile(file, 'utf8')).trim();
}

/** Ends exactly the process that was noted, with all below it: a pid alone may be another's by now. */
function endProcess(pid: number | null, startedAt: string | null): void {
  if (pid === null || startedAt === null) {
    return;
  }
  const noted = { pid, startTime: Number(startedAt) };
  if (!isRunning(noted)) {
    return;
  }
  const tree = [readProcess(pid), ...descendants(pid)].filter((each) => each !== undefined);
  for (const each of tree) {
    signalProcess(each, 'SIGKILL');
  }
}
