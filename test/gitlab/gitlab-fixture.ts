import type { Documents } from './contract.ts';
import { readDocuments } from './documents.ts';

/** Read once per test file: compiling the schemas is slow. */
const DOCUMENTS = contractDocuments();

function contractDocuments(): Documents | undefined {
  const folder = process.env['AUTODEV_CONTRACTS'];
  if (folder === undefined || folder === '') {
    const rule = '!'.repeat(78);
    process.stderr.write(
      `\n${rule}\n! SKIPPED: holding exchanges against GitLab's own documents. Set AUTODEV_CONTRACTS\n! to the folder that holds gitlab/openapi-needed.json.\n${rule}\n\n`,
    );
    return undefined;
  }
  return readDocuments(folder);
}
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
    documents: DOCUMENTS,
    ...options,
  });
  return Object.assign(gitlab, { manualClock });
}
