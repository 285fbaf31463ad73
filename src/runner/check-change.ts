import { checkPatch, type PatchRefusal } from '../domain/patch-check.ts';
import type { MatchesGlob } from '../domain/protected-paths.ts';
import type { Allow } from '../domain/spec.ts';
import type { Patch } from './read-patch.ts';

/** Where a file leaves the size of a patch open. */
const MOST_PATCH_BYTES = 512 * 1024;

/** Why a change may not leave; empty: it may. */
export function checkChange(patch: Patch, allow: Allow, matches: MatchesGlob): PatchRefusal[] {
  const rule = allow.merge_request;
  return checkPatch(patch.entries, {
    ...(rule?.paths && { paths: rule.paths }),
    maxBytes: rule?.maxPatchBytes ?? MOST_PATCH_BYTES,
    treePaths: patch.treePaths,
    matches,
  });
}

/** One refusal as a sentence or two. */
export function describeRefusal({ message, remedy }: PatchRefusal): string {
  return `${message} ${remedy}`;
}
