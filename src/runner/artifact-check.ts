import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';

import type { Artifact } from '../db/artifacts.ts';
import type { Repo } from '../db/repos.ts';
import type { MatchesGlob } from '../domain/protected-paths.ts';
import type { Allow } from '../domain/spec.ts';
import type { Forge } from '../forge/forge.ts';
import type { Git } from '../forge/git.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import { checkChange, describeRefusal } from './check-change.ts';
import { importResult } from './import-result.ts';
import { readPatch } from './read-patch.ts';
import { createScratchRepository } from './scratch-repository.ts';

interface CheckDeps {
  readonly git: Git;
  readonly clock: Clock;
  readonly forge: Pick<Forge, 'fetchMirror'>;
  readonly matches: MatchesGlob;
  /** A folder of its own on the data volume: mirrors that are kept, and what is removed after each check. */
  readonly folder: string;
}

/**
 * Answers a function that looks at a stored result again, from its bundle alone: why it may not leave; empty when it
 * may. For whoever publishes it, who takes nothing for granted that a runner found out.
 */
export function createArtifactCheck({ git, clock, forge, matches, folder }: CheckDeps) {
  return async (
    repo: Repo,
    artifact: Artifact,
    allow: Allow,
    signal: AbortSignal,
  ): Promise<readonly string[]> => {
    const mirror = join(folder, 'mirrors', String(repo.id));
    await mkdir(join(folder, 'mirrors'), { recursive: true });
    await forge.fetchMirror(repo, mirror, signal);
    const repository = await mkdtemp(join(folder, 'check-'));
    try {
      const { base, head } = artifact;
      await createScratchRepository(repository, { mirror, base });
      await importResult({ clock }, { repository, artifact }, signal);
      const patch = await readPatch({ git }, { repository, mirror, base, head }, signal);
      return checkChange(patch, allow, matches).map(describeRefusal);
    } catch (error) {
      if (error instanceof AppError && error.code === 'PATCH_REFUSED') {
        return [[error.message, error.remedy].filter(Boolean).join(' ')];
      }
      throw error;
    } finally {
      await rm(repository, { recursive: true, force: true });
    }
  };
}
