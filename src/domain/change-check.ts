import { checkPatch, type PatchEntry, type PatchRefusal } from './patch-check.ts';
import type { MatchesGlob } from './protected-paths.ts';
import type { Allow } from './spec.ts';

/** Where a file leaves the size of a patch open. */
const MOST_PATCH_BYTES = 512 * 1024;

/** What a result changes, read from its commit. */
export interface InspectedPatch {
  readonly entries: readonly PatchEntry[];
  /** Every path of the tree before the change. */
  readonly treePaths: readonly string[];
}

/** Why a change may not leave, by what its agent may do; empty: it may. The runner's check and the orchestrator's. */
export function checkChange(
  { entries, treePaths }: InspectedPatch,
  allow: Allow,
  matches: MatchesGlob,
): PatchRefusal[] {
  const rule = allow.merge_request;
  return checkPatch(entries, {
    ...(rule?.paths && { paths: rule.paths }),
    ...(rule?.protectedPaths && { protectedPaths: rule.protectedPaths }),
    maxBytes: rule?.maxPatchBytes ?? MOST_PATCH_BYTES,
    treePaths,
    matches,
  });
}

/** One refusal as a sentence or two. */
export function describeRefusal({ message, remedy }: PatchRefusal): string {
  return `${message} ${remedy}`;
}
