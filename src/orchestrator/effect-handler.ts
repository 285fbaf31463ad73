import type { Artifact } from '../db/artifacts.ts';
import type { Db, Queryable } from '../db/db.ts';
import type { Effect } from '../db/effects.ts';
import type { JobRow } from '../db/job-rows.ts';
import type { Repo } from '../db/repos.ts';
import type { Allow } from '../domain/spec.ts';
import type { Forge } from '../forge/forge.ts';
import type { ReviewForge } from '../forge/review.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Log } from '../kernel/log.ts';

/** What carrying out an effect needs. */
export interface EffectDeps {
  db: Db;
  clock: Clock;
  log: Log;
  forge: Forge;
  /** Left out: no repository here is on a forge with merge requests of people. */
  review?: ReviewForge | undefined;
  /** Whether a glob matches a path. */
  matches: (glob: string, path: string) => boolean;
  /**
   * Looks at a result again, from its bundle alone and never in a worker's tree, and answers why it may not
   * leave; empty: it may, by every one of `allows`. What the runner found out is not taken for granted.
   */
  recheckArtifact: (
    repo: Repo,
    artifact: Artifact,
    allows: readonly Allow[],
    signal: AbortSignal,
  ) => Promise<readonly string[]>;
}

export interface EffectContext {
  readonly effect: Effect;
  readonly repo: Repo;
  readonly job: JobRow;
}

/** What came of an effect. `record` runs in the transaction that settles it, with the job locked. */
export type CarriedOut = {
  readonly record?: (tx: Queryable, job: JobRow) => Promise<void>;
} & (
  | { readonly result: Readonly<Record<string, unknown>> }
  /** It was not carried out and never will be, and that is no failure: `record` says what happens instead. */
  | { readonly dropped: string }
);

/** Changes the outside world first and answers what to record; doing it twice must do it once. */
export type EffectHandler = (
  deps: EffectDeps,
  context: EffectContext,
  signal: AbortSignal,
) => Promise<CarriedOut>;
