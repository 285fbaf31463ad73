import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { startEmbedded } from '../src/db/embedded/start.ts';
import { insertJobs } from '../src/db/enqueue.ts';
import { migrate } from '../src/db/migrate.ts';
import { openDb } from '../src/db/pool.ts';
import { AGENTS } from '../src/domain/agent.ts';
import { systemClock } from '../src/kernel/clock.ts';
import { silentLog } from '../src/kernel/log.ts';
import { compete } from '../test/queue-rivals.ts';
import { counterDrift, newJob, resetQueue } from '../test/queue.ts';

/**
 * 16 runners of all 8 agents empty the queue of 50 repositories whose limits bind all the time. Prints claims/s
 * and what must be zero, and ends with 1 when it is not.
 *
 *     npx node bench/queue-limits.ts [jobs]
 */
const [REPOS, LANE_LIMIT, REPO_LIMIT, PROCESSES, RUNNERS] = [50, 2, 4, 4, 4];
const jobs = Number(process.argv[2] ?? 12_000);

const dataDir = await mkdtemp(path.join(tmpdir(), 'autodev-bench-'));
await chmod(dataDir, 0o711); // as root, the server's account passes through
const server = await startEmbedded(
  { clock: systemClock, log: silentLog, env: { PATH: process.env['PATH'] ?? '' } },
  { dataDir, temporary: true },
);
try {
  await using db = await openDb({ connection: server.connection, log: silentLog });
  await migrate(db);
  await resetQueue(db, { repos: REPOS, laneLimit: LANE_LIMIT, repoLimit: REPO_LIMIT });
  for (let made = 0; made < jobs; made += 1_000) {
    await insertJobs(
      db,
      Array.from({ length: Math.min(1_000, jobs - made) }, (_, i) => {
        const n = made + i;
        return newJob({
          repoId: 1 + (n % REPOS),
          agent: AGENTS[Math.floor(n / REPOS) % AGENTS.length] ?? 'builder',
        });
      }),
    );
  }

  const { claims, finished, seconds, samples, overLimit, deadlocks } = await compete(
    db,
    Array.from({ length: PROCESSES }, (_, i) => ({
      connection: server.connection,
      name: `bench-${i}`,
      roles: Array.from({ length: RUNNERS }, () => 'runner' as const),
      repos: REPOS,
      wild: false,
    })),
    { wildMs: 0 },
  );

  const zeros = {
    'double claims': claims.length - new Set(claims).size,
    'jobs not ended once':
      Math.abs(jobs - new Set(finished).size) + finished.length - new Set(finished).size,
    deadlocks,
    'over-limit samples': overLimit,
    drift: await counterDrift(db),
  };
  print(
    `${PROCESSES * RUNNERS} runners, ${REPOS} repositories, limits ${LANE_LIMIT} a lane and ${REPO_LIMIT} a repository`,
  );
  print(
    `claims/s              ${Math.round(claims.length / seconds)} (${claims.length} in ${seconds.toFixed(1)} s)`,
  );
  print(`samples of the limits ${samples}`);
  for (const [name, count] of Object.entries(zeros)) {
    print(`${name.padEnd(21)} ${count}`);
  }
  process.exitCode = Object.values(zeros).every((count) => count === 0) ? 0 : 1;
} finally {
  await server.stop();
  await rm(dataDir, { recursive: true, force: true });
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
