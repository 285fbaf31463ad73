import type { Documents } from './contract.ts';
import { readDocuments } from './documents.ts';
import { createGitlab, type Gitlab, type GitlabOptions } from './gitlab.ts';
import { createManualClock, type ManualClock } from './manual-clock.ts';

/** Read once per test file: compiling the schemas is slow. */
const DOCUMENTS = contractDocuments();

/**
 * A GitLab for one test, on a clock of its own. Disposing of it fails the test when an exchange broke GitLab's
 * contract: `await using gitlab = await startGitlab()`.
 */
export async function startGitlab(
  options: Partial<GitlabOptions> = {},
): Promise<Gitlab & { readonly manualClock: ManualClock }> {
  const manualClock = createManualClock();
  const gitlab = await createGitlab({
    clock: manualClock,
    searchPath: process.env['PATH'] ?? '',
    documents: DOCUMENTS,
    ...options,
  });
  return Object.assign(gitlab, { manualClock });
}

/** Undefined where the folder of contracts is not named; test/prerequisites.ts says loudly what that skips. */
function contractDocuments(): Documents | undefined {
  const folder = process.env['AUTODEV_CONTRACTS'];
  return folder === undefined || folder === '' ? undefined : readDocuments(folder);
}
