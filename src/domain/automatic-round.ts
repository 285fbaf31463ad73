import type { MergeRequestFacts } from './forge-facts.ts';
import type { JobInput } from './job.ts';

/** So often work is sent back without a person; then people decide. */
const MOST_ROUNDS = 3;

/**
 * Why work goes back to its agent by itself, in words for the agent; undefined: it does not. A pipeline counts only
 * where the file says that it is the check, and only the one of this head; a draft is nobody's to mend.
 */
export function automaticRound(
  { state, draft, head, target, against, pipeline }: MergeRequestFacts,
  {
    check,
    input,
  }: { check: readonly string[] | 'pipeline' | undefined; input: readonly JobInput[] },
): string | undefined {
  const rounds = input.filter(({ kind, author }) => kind === 'changes' && author === 'autodev');
  if (state !== 'open' || draft || rounds.length >= MOST_ROUNDS) {
    return undefined;
  }
  if (check === 'pipeline' && pipeline?.sha === head && pipeline?.status === 'failed') {
    return `The pipeline of ${head} failed. Find out why and make it pass, without weakening what it checks.`;
  }
  return against === 'conflict'
    ? `The change conflicts with ${target} as it is now. Change what is here so that both fit together.`
    : undefined;
}
