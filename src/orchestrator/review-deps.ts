import type { ReviewForge } from '../forge/review.ts';
import type { VoteForge } from '../forge/votes.ts';
import type { GateDeps } from './gate-deps.ts';

/** What looking at merge requests of a forge needs. */
export interface ReviewDeps extends GateDeps {
  review: ReviewForge;
  votes: VoteForge;
  /** Names and e-mail addresses that our commits carry. */
  identities: readonly string[];
}
