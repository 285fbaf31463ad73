import type { Queryable } from '../db/db.ts';
import { askAboutConfig } from '../db/held-revisions.ts';
import type { Repo } from '../db/repos.ts';
import { findRevisionInForce } from '../db/revisions.ts';
import { matchingRules } from '../domain/approval-verdict.ts';
import type { ForgeCommit } from '../forge/forge.ts';

/**
 * Asks people about a configuration that came past review. The rules in force decide: a file never brings the rule that
 * lets it in.
 */
export async function askAboutPush(
  tx: Queryable,
  { repo, commit, reason }: { repo: Repo; commit: ForgeCommit; reason: string },
): Promise<void> {
  const inForce = await findRevisionInForce(tx, repo.id);
  const rules = matchingRules({
    gate: 'config',
    rules: inForce?.spec.approvals ?? {},
    paths: [],
    matches: () => true,
  });
  await askAboutConfig(tx, {
    repoId: repo.id,
    commit: commit.sha,
    title: `Unreviewed autodev.yaml at ${commit.sha.slice(0, 8)}`,
    body: `${reason} What was in force before stays until people approve this commit, or a merge request brings the same files.`,
    rules: rules.map(([name, rule]) => ({ name, rule })),
  });
}
