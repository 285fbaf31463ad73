import type { Clock } from '../../kernel/clock.ts';
import type { Log } from '../../kernel/log.ts';
import type { Forge, ForgeRepo } from '../forge.ts';

interface MemoryDeps {
  clock: Clock;
  log: Log;
  /** Asks GitLab for each of them. */
  ask: Forge['readHeads'];
  /** Projects with anything new since then. */
  listActive: (since: Date, signal: AbortSignal) => Promise<ReadonlySet<string>>;
}

interface Known {
  readonly head: string;
  readonly branch: string;
  readonly askedAt: number;
}

/** Fewer repositories are asked for at once: the list of active projects would cost as much. */
const FEW = 30;
/** GitLab notes a project's activity once an hour, so a push may be noted up to an hour before it. */
const NOTED_LATE_MS = 3_600_000;
const SLACK_MS = 600_000;
/** Whatever was missed, a day later it is seen. Spread, so that not all are asked for in one minute. */
const SWEEP_MS = 24 * 3_600_000;

/**
 * Answers heads from memory for projects that GitLab says nothing new of: ten thousand quiet repositories cost a
 * request or two instead of hundreds. What is dirty is always asked for.
 */
export function createHeadMemory({ clock, log, ask, listActive }: MemoryDeps): Forge['readHeads'] {
  const known = new Map<number, Known>();

  return async (repos, signal) => {
    const now = clock.now().getTime();
    const candidates = repos.map((repo) => ({ repo, before: remembered(known, repo, now) }));
    const quiet = candidates.filter(({ before }) => before !== undefined);
    const active =
      quiet.length > FEW
        ? await activeSince(
            { log, listActive },
            Math.min(...quiet.map(({ before }) => before?.askedAt ?? now)),
            signal,
          )
        : undefined;

    const heads = new Map<number, string | Error>();
    const asked: ForgeRepo[] = [];
    for (const { repo, before } of candidates) {
      if (before && active && !active.has(repo.location)) {
        heads.set(repo.id, before.head);
      } else {
        asked.push(repo);
      }
    }
    const answers = asked.length === 0 ? [] : await ask(asked, signal);
    const branches = new Map(asked.map(({ id, branch }) => [id, branch]));
    for (const [id, head] of answers) {
      heads.set(id, head);
      if (typeof head === 'string') {
        known.set(id, { head, branch: branches.get(id) ?? '', askedAt: now });
      } else {
        known.delete(id);
      }
    }
    return heads;
  };
}

function remembered(
  known: ReadonlyMap<number, Known>,
  repo: ForgeRepo,
  now: number,
): Known | undefined {
  const before = known.get(repo.id);
  const lives = SWEEP_MS * (1 - (repo.id % 100) / 400);
  const fits = before?.branch === repo.branch && now - before.askedAt < lives;
  return fits && (repo.dirtyAt ?? null) === null ? before : undefined;
}

/** Undefined when GitLab does not say: then every head is asked for. */
async function activeSince(
  { log, listActive }: Pick<MemoryDeps, 'log' | 'listActive'>,
  since: number,
  signal: AbortSignal,
): Promise<ReadonlySet<string> | undefined> {
  try {
    return await listActive(new Date(since - NOTED_LATE_MS - SLACK_MS), signal);
  } catch (error) {
    log.debug({ err: error }, 'active projects not listed');
    return undefined;
  }
}
