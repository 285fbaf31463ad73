import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Artifact } from '../db/artifacts.ts';
import type { Clock } from '../kernel/clock.ts';
import { importBundle } from '../sandbox/import-bundle.ts';

/** For one commit. A larger one is refused long before by what a patch may have. */
export const IMPORT_LIMITS = {
  bytes: 64 * 1024 * 1024,
  wallMs: 60_000,
  memoryBytes: 4 * 1024 * 1024 * 1024,
};

/** Brings a stored result into a git folder of ours that has its base and where no worker was yet. Doing it twice is the same as once. */
export async function importResult(
  deps: { clock: Clock },
  {
    repository,
    artifact,
  }: { repository: string; artifact: Pick<Artifact, 'id' | 'base' | 'head' | 'bundle'> },
  signal: AbortSignal,
): Promise<void> {
  const { base, head: commit } = artifact;
  const bundle = join(repository, `import-${randomBytes(6).toString('hex')}`);
  try {
    await writeFile(bundle, artifact.bundle, { mode: 0o600 });
    const ref = `refs/autodev/artifacts/${artifact.id}`;
    const request = { bundle, repository, base, commit, ref, limits: IMPORT_LIMITS };
    await importBundle(deps, request, signal);
  } finally {
    await rm(bundle, { force: true });
  }
}
