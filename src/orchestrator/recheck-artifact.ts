import type { Artifact } from '../db/artifacts.ts';
import type { Repo } from '../db/repos.ts';
import type { PatchEntry } from '../domain/patch-check.ts';
import { checkPatch } from '../domain/patch-check.ts';
import type { MatchesGlob } from '../domain/protected-paths.ts';
import type { Allow } from '../domain/spec.ts';
import type { EffectDeps } from './effect-handler.ts';

/** Where a file leaves the size of a patch open; the same bound that the runner holds. */
const MOST_PATCH_BYTES = 512 * 1024;

/** What a result changes, read from its bundle in a repository of ours. */
export interface InspectedPatch {
  readonly entries: readonly PatchEntry[];
  /** Every path of the tree before the change. */
  readonly treePaths: readonly string[];
}

interface RecheckDeps {
  /** Reads a bundle anew. Throws PATCH_REFUSED for one that is not the one commit that was announced. */
  readonly inspect: (
    repo: Repo,
    artifact: Artifact,
    signal: AbortSignal,
  ) => Promise<InspectedPatch>;
  readonly matches: MatchesGlob;
}

/**
 * The orchestrator's own look at a result before it leaves: the same rules as the runner's, over what the bundle
 * itself holds. The row was written by whoever ran the worker, so nothing in it is taken for granted; a change that
 * touches other paths than the row says is refused, because people and rules go by those.
 */
export function createRecheck({ inspect, matches }: RecheckDeps): EffectDeps['recheckArtifact'] {
  return async (repo, artifact, allow: Allow, signal) => {
    const rule = allow.merge_request;
    if (rule === undefined) {
      return ['The agent may not open merge requests (allow.merge_request).'];
    }
    const { entries, treePaths } = await inspect(repo, artifact, signal);
    if (entries.length === 0) {
      return ['It changes no file.'];
    }
    const told = new Set(artifact.stat.paths);
    const untold = entries
      .flatMap(({ path, oldPath }) => (oldPath === undefined ? [path] : [path, oldPath]))
      .filter((path) => !told.has(path))
      .map((path) => `It changes ${path}, which its description does not say.`);
    const refusals = checkPatch(entries, {
      ...(rule.paths && { paths: rule.paths }),
      maxBytes: rule.maxPatchBytes ?? MOST_PATCH_BYTES,
      treePaths,
      matches,
    });
    return [...refusals.map(({ message, remedy }) => `${message} ${remedy}`), ...untold];
  };
}
