import type { Artifact } from '../db/artifacts.ts';
import type { Repo } from '../db/repos.ts';
import type { InspectedPatch } from '../domain/change-check.ts';
import { checkChange, describeRefusal } from '../domain/change-check.ts';
import type { MatchesGlob } from '../domain/protected-paths.ts';
import type { Allow } from '../domain/spec.ts';
import type { EffectDeps } from './effect-handler.ts';

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
 * touches other paths than the row says is refused, because people and rules go by those. Of several rules (those of
 * the attempt, and those of today) every one must let it through.
 */
export function createRecheck({ inspect, matches }: RecheckDeps): EffectDeps['recheckArtifact'] {
  return async (repo, artifact, allows: readonly Allow[], signal) => {
    if (allows.some((allow) => allow.merge_request === undefined)) {
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
    const refusals = allows.flatMap((allow) =>
      checkChange({ entries, treePaths }, allow, matches).map(describeRefusal),
    );
    // What two rules refuse alike is said once.
    return [...new Set([...refusals, ...untold])];
  };
}
