import type { Clock } from '../../src/kernel/clock.ts';
import type { Background } from './background.ts';
import { bareGit, type BareGit } from './git/git.ts';
import type { Lock } from './lock.ts';
import type { Project } from './records.ts';
import type { State } from './state.ts';
import type { Webhooks } from './webhooks.ts';

export type Tier = 'free' | 'premium' | 'ultimate';

/** How this GitLab behaves. Every value is a behaviour that real servers show. */
export interface Behaviour {
  readonly tier: Tier;
  readonly version: string;
  /** From a push until the votes it voids are gone; GitLab takes 10 s. Milliseconds. */
  readonly resetDelayMs: number;
  /** From a push until merge requests know of it: a read in between shows the old head. Milliseconds. */
  readonly refreshDelayMs: number;
  /** How many reads of a new merge request answer `preparing`. */
  readonly preparingReads: number;
  /** How many reads after each change answer `checking`. */
  readonly checkingReads: number;
  /** Fields that this GitLab is too old for, as `Repository.commit`. */
  readonly graphqlLacks: readonly string[];
  /** A push of more refs than this fires no hook at all. */
  readonly pushEventHooksLimit: number;
}

/** What every handler works on. */
export interface World {
  readonly behaviour: Behaviour;
  readonly clock: Clock;
  readonly state: State;
  readonly webhooks: Webhooks;
  readonly background: Background;
  readonly lock: Lock;
  /** Where the server listens, without a slash at the end. */
  readonly url: string;
  /** The PATH in which git is found. */
  readonly searchPath: string;
  /** The folder that holds the repositories. */
  readonly root: string;
}

export function gitOf({ searchPath }: Pick<World, 'searchPath'>, project: Project): BareGit {
  return bareGit({ path: searchPath }, project.dir);
}

export function isPremium({ behaviour }: Pick<World, 'behaviour'>): boolean {
  return behaviour.tier !== 'free';
}
