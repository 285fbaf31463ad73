import { contractDocuments } from './documents.ts';
import { createGitlab, type Gitlab, type GitlabOptions } from './gitlab.ts';
import { createManualClock, type ManualClock } from './manual-clock.ts';

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
    documents: contractDocuments(),
    ...options,
  });
  return Object.assign(gitlab, { manualClock });
}
