import { listTripped, startProbe } from '../db/breakers.ts';
import type { Queryable } from '../db/db.ts';
import type { JobRow } from '../db/job-rows.ts';
import type { AttemptEnd } from '../db/turn.ts';

interface Parted {
  /** What may start. */
  readonly free: readonly JobRow[];
  /** What goes back to its half-open lane: another job tries that. */
  readonly kept: readonly AttemptEnd[];
  /** Of `free`: the jobs that try their lanes. */
  readonly probes: ReadonlySet<number>;
}

/**
 * Of each claimed lane whose breaker has tripped and that takes work again, one job tries whether it works; the others
 * go back as if they had not been claimed. The claim holds the lanes, so nobody else lets a second one try.
 */
export async function keepToOneProbe(tx: Queryable, claimed: readonly JobRow[]): Promise<Parted> {
  const tripped = await listTripped(tx, claimed);
  const laneOf = ({ repoId, agent }: Pick<JobRow, 'repoId' | 'agent'>): string =>
    `${repoId} ${agent}`;
  const halfOpen = new Set(tripped.map(laneOf));
  const order = claimed.toSorted((a, b) => a.priority - b.priority || a.id - b.id);
  const probeOf = new Map<string, number>();
  for (const job of order) {
    const lane = laneOf(job);
    if (halfOpen.has(lane) && !probeOf.has(lane)) {
      probeOf.set(lane, job.id);
    }
  }

  const waits = (job: JobRow): boolean =>
    halfOpen.has(laneOf(job)) && probeOf.get(laneOf(job)) !== job.id;
  return {
    free: claimed.filter((job) => !waits(job)),
    kept: claimed.filter(waits).map((job) => ({
      id: job.id,
      attempt: job.attempts,
      state: 'queued',
      reason: 'lost',
      detail: 'Another job tries first whether its agent works again.',
      uncounted: true,
    })),
    probes: new Set(probeOf.values()),
  };
}

/** Holds the lanes of jobs that try, until they say how it went. Behind everything that locks jobs or lanes. */
export async function startProbes(tx: Queryable, jobs: readonly JobRow[]): Promise<void> {
  const order = jobs.toSorted((a, b) => a.repoId - b.repoId || (a.agent < b.agent ? -1 : 1));
  for (const job of order) {
    await startProbe(tx, job);
  }
}
