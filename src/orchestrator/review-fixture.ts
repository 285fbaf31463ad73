import type { Tier } from '../../test/gitlab/world.ts';
import type { Db } from '../db/db.ts';
import { listOpenGatesOfJob } from '../db/gates.ts';
import { findMergeRequest } from '../db/merge-requests.ts';
import { sql } from '../db/sql.ts';
import type { RepoSpec } from '../domain/spec.ts';
import { createGitlabForge } from '../forge/gitlab/forge.ts';
import { startShop } from '../forge/gitlab/gitlab-forge-fixture.ts';
import { createGitlabReview } from '../forge/gitlab/review-forge.ts';
import { createGitlabVotes } from '../forge/gitlab/vote-forge.ts';
import { systemClock } from '../kernel/clock.ts';
import { silentLog } from '../kernel/log.ts';
import { orchestratorFixture, publishAll } from './orchestrator-fixture.ts';
import { bindNames, watchReviews } from './watch-reviews.ts';

/** A repository on a GitLab, and an agent whose work is open there as a merge request. */
export async function startReview(
  db: Db,
  { tier = 'free', spec = {} }: { tier?: Tier; spec?: Partial<RepoSpec> } = {},
) {
  const time: { now: () => Date } = { now: () => new Date(0) };
  const clock = {
    now: () => time.now(),
    sleep: (ms: number, signal: AbortSignal) => systemClock.sleep(ms, signal),
  };
  const shop = await startShop({ tier, checkingReads: 0 }, { clock });
  const { gitlab, project, client, folder, git, repo } = shop;
  time.now = () => gitlab.manualClock.now();
  const fixture = await orchestratorFixture(db, spec);
  // One history on both sides: what a runner bundles fits on what GitLab has.
  fixture.git.sh(['push', '--quiet', '--force', project.dir, 'main']);
  await db.query(sql`
    update repo set forge = 'gitlab', location = ${repo.location}, path = ${repo.path} where id = ${fixture.repoId}
  `);
  const forge = createGitlabForge(
    { client, git, clock: systemClock, log: silentLog, scratch: folder, mirrors: folder },
    { matches: fixture.deps.matches },
  );
  const deps = {
    ...fixture.deps,
    forge,
    review: createGitlabReview({ client, people: forge.people }),
    votes: createGitlabVotes(client),
    identities: ['Auto-Dev', 'autodev@localhost'],
  };
  await bindNames(deps, fixture.signal);

  const jobId = await fixture.work({
    job: { trigger: { kind: 'schedule', name: 'nightly', actor: 'autodev' } },
    files: { 'src/add.ts': 'export const one = 2;\n' },
  });
  await publishAll({ deps, signal: fixture.signal });
  const [gate] = await listOpenGatesOfJob(db, jobId);
  const request = await findMergeRequest(db, gate?.mergeRequestId ?? 0);
  const opened = gitlab.state.mergeRequests.at(-1);
  if (!gate || !request || !opened) {
    throw new Error('no merge request was opened');
  }
  await gitlab.manualClock.advance(60_000);

  return {
    ...shop,
    fixture,
    deps,
    jobId,
    gate,
    request,
    opened,
    /** Looks at every merge request until a look changes nothing that has to be looked at again at once. */
    async look(): Promise<void> {
      for (let round = 0; round < 4; round += 1) {
        await db.query(sql`update forge_review set due_at = now() where state = 'open'`);
        await watchReviews(deps, fixture.signal);
      }
      const [problem] = await db.query<{ error: string }>(
        sql`select error from forge_review where error is not null`,
      );
      if (problem) {
        throw new Error(problem.error);
      }
      await publishAll({ deps, signal: fixture.signal });
    },
    verdict: async () => {
      const [row] = await db.query<{ verdict: Record<string, unknown> }>(
        sql`select verdict from forge_review order by number`,
      );
      return row?.verdict;
    },
    advance: (ms: number) => gitlab.manualClock.advance(ms),
    notes: () => opened.discussions.flatMap(({ notes }) => notes).filter(({ system }) => !system),
    async [Symbol.asyncDispose]() {
      fixture[Symbol.dispose]();
      await shop[Symbol.asyncDispose]();
    },
  };
}
