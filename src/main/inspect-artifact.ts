import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';

import type { Artifact } from '../db/artifacts.ts';
import type { Repo } from '../db/repos.ts';
import type { InspectedPatch } from '../domain/change-check.ts';
import { AppError } from '../kernel/errors.ts';
import { importResult } from '../runner/import-result.ts';
import { readPatch } from '../runner/read-patch.ts';
import { createScratchRepository } from '../runner/scratch-repository.ts';
import type { Platform } from './platform.ts';

/**
 * Reads what a result changes from its bundle, in an empty repository of ours beside a mirror of ours: nothing
 * depends on what the runner or its disk said.
 */
export function createInspection({
  data,
  forge,
  git,
  clock,
}: Pick<Platform, 'data' | 'forge' | 'git' | 'clock'>) {
  return async (repo: Repo, artifact: Artifact, signal: AbortSignal): Promise<InspectedPatch> => {
    const folder = data.file('orchestrator');
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const mirror = path.join(folder, `mirror-${repo.id}.git`);
    await forge.fetchMirror(repo, mirror, signal);

    const repository = await mkdtemp(path.join(folder, 'check-'));
    try {
      const { base, head } = artifact;
      await createScratchRepository(repository, { mirror, base });
      await importResult({ clock }, { repository, artifact }, signal);
      return await readPatch({ git }, { repository, mirror, base, head }, signal);
    } catch (error) {
      if (error instanceof AppError && error.code === 'GIT_FAILED') {
        throw new AppError('PATCH_REFUSED', 'the stored result cannot be read', {
          cause: error,
          remedy: 'Run the job again: `autodev retry`.',
        });
      }
      throw error;
    } finally {
      await rm(repository, { recursive: true, force: true });
    }
  };
}
