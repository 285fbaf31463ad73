import type { MergeRequestFacts } from '../domain/forge-facts.ts';
import type { NameBindings } from '../domain/forge-question.ts';
import type { ForgeRepo } from './forge.ts';

/** Everything about one merge request, and what it is compared with. */
export interface ReadVotes {
  readonly facts: MergeRequestFacts;
  /** The forge's id of our account. */
  readonly bot: string;
  /** Never later than the forge's own clock: what it is compared with are the forge's times. */
  readonly now: Date;
  /** An open thread each, oldest first: what the next round of work has to settle. */
  readonly threads: readonly ReviewThread[];
}

/** A thread on a merge request that nobody has resolved. */
export interface ReviewThread {
  readonly id: string;
  /** Where in the change; undefined for one about the whole of it. */
  readonly place: string | undefined;
  readonly notes: readonly { readonly author: string; readonly text: string }[];
}

/** The side of a forge on which people vote. */
export interface VoteForge {
  /**
   * Reads a merge request whole, and its head again at the end: `movedMeanwhile` says that it was another. Nothing is
   * left out silently: what could not be read is thrown as FORGE_* or TOO_LARGE, because a commit that is missing is an
   * author who may vote.
   */
  readVotes(
    repo: ForgeRepo,
    number: number,
    options: {
      /** Heads that we published: whoever pushed another one is looked up. */
      published: readonly string[];
      /** User names of the requesters. */
      requesters: readonly string[];
      /** Paths of the groups that rules name. */
      groups: readonly string[];
    },
    signal: AbortSignal,
  ): Promise<ReadVotes>;
  /** The ids that names have now; one that is nobody's is left out. */
  bindNames(
    names: { users: readonly string[]; groups: readonly string[] },
    signal: AbortSignal,
  ): Promise<NameBindings>;
  /** Answers in a thread, once for each `marker`, and resolves it where we are asked to. */
  answerThread(
    repo: ForgeRepo,
    answer: { number: number; thread: string; marker: string; text: string; resolve: boolean },
    signal: AbortSignal,
  ): Promise<void>;
}
