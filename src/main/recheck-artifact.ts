import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';

import { AppError } from '../kernel/errors.ts';
import type { EffectDeps } from '../orchestrator/effect-handler.ts';
import { checkChange, describeRefusal } from '../runner/check-change.ts';
import { importResult } from '../runner/import-result.ts';
import { readPatch } from '../runner/read-patch.ts';
import { createScratchRepository } from '../runner/scratch-repository.ts';
import type { Platform } from './platform.ts';

/**
 * The orchestrator's own look at a result: the bundle is imported into an empty repository of ours beside a mirror
 * of ours and checked there, so nothing depends on what the runner or its disk said.
 */
export function recheckArtifact({
  data,
  forge,
  git,
  clock,
  matches,
}: Pick<Platform, 'data' | 'forge' | 'git' | 'clock' | 'matches'>): EffectDeps['recheckArtifact'] {
  return async (repo, artifact, allow, signal) => {
    const folder = data.file('orchestrator');
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const mirror = path.join(folder, `mirror-${repo.id}.git`);
    await forge.fetchMirror(repo, mirror, signal);

    const repository = await mkdtemp(path.join(folder, 'check-'));
    try {
      const { base, head } = artifact;
      await createScratchRepository(repository, { mirror, base });
      await importResult({ clock }, { repository, artifact }, signal);
      const patch = await readPatch({ git }, { repository, mirror, base, head }, signal);
      return checkChange(patch, allow, matches).map(describeRefusal);
    } catch (error) {
      // A bundle that cannot be read will not be readable later.
      if (error instanceof AppError && error.code === 'GIT_FAILED') {
        return [error.message];
      }
      throw error;
    } finally {
      await rm(repository, { recursive: true, force: true });
    }
  };
}
