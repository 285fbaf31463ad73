import { join } from 'node:path';

import type { MergeRequest } from '../../test/gitlab/records.ts';
import { createCronTimes } from '../config/cron-times.ts';
import { loadConfig } from '../config/load.ts';
import { riskOf } from '../config/risk.ts';
import { markMergeRequests } from '../db/config-plans.ts';
import type { Db } from '../db/db.ts';
import { markDirty } from '../db/repo-sync.ts';
import { addRepo, getRepo } from '../db/repos.ts';
import { sql } from '../db/sql.ts';
import { createZoneOffset } from '../domain/zone-offset.ts';
import { createGitlabForge } from '../forge/gitlab/forge.ts';
import { startShop } from '../forge/gitlab/gitlab-forge-fixture.ts';
import type { Clock } from '../kernel/clock.ts';
import { systemClock } from '../kernel/clock.ts';
import { silentLog } from '../kernel/log.ts';
import type { EffectDeps } from '../orchestrator/effect-handler.ts';
import { carryOutEffects } from '../orchestrator/effects.ts';
import { planDue } from './plan-service.ts';
import type { PlanDeps } from './plan-verdict.ts';
import type { ReconcilerDeps } from './reconciler.ts';
import { reconcileDue } from './reconciler.ts';

export const FILE = 'autodev.yaml';

export const FIRST = `version: 1
agents:
  bug-finder: {}
  builder: { limits: { usd: 3 } }
schedules:
  nightly: { agent: bug-finder, cron: "30 2 * * *" }
`;

/** What loosens, what is new and what goes, all at once. */
export const SECOND = `version: 1
agents:
  builder: { limits: { usd: 5 } }
  tester: {}
schedules:
  nightly: { agent: tester, cron: "0 3 * * 1-5" }
`;

/** Waits for a pipeline of GitLab's own, which never comes here, take no time. A request has the time that it has. */
const IMPATIENT: Clock = {
  now: () => systemClock.now(),
  sleep: (ms, signal) => systemClock.sleep(ms <= 2000 ? 5 : ms, signal),
};

/**
 * A repository on a GitLab, registered in a real database, with the parts of both processes that bring its
 * configuration to merge requests: the reconciler that plans and the orchestrator that writes. '' as `file`: none.
 */
export async function configReview(db: Db, { file = FIRST }: { file?: string } = {}) {
  await db.query(sql`truncate repo, effect, revision, event, audit, gate restart identity cascade`);
  const shop = await startShop({ clock: systemClock }, { clock: IMPATIENT });
  const { gitlab, project, alice, bob } = shop;
  await gitlab.push(project, {
    branch: 'main',
    by: alice,
    files: { [FILE]: file === '' ? undefined : file },
  });
  const forge = createGitlabForge(
    {
      client: shop.client,
      git: shop.git,
      clock: systemClock,
      log: silentLog,
      scratch: join(shop.folder, 'scratch'),
      mirrors: join(shop.folder, 'mirrors'),
    },
    { matches: (glob, path) => glob === path },
  );
  const { review } = forge;
  const { id: repoId } = await db.transaction((tx) =>
    addRepo(tx, {
      path: project.path,
      forge: 'gitlab',
      location: String(project.id),
      branch: 'main',
    }),
  );
  const deps: ReconcilerDeps & PlanDeps = {
    db,
    clock: systemClock,
    log: silentLog,
    forge,
    review,
    matches: (glob, path) => glob === path,
    load: (_repo, source, readFile) => loadConfig(source, { readFile }),
    risk: riskOf,
    owner: 'test',
    inputsVersion: '1',
    nextCronTime: createCronTimes(),
    zoneOffset: createZoneOffset(),
    limitsOf: () => ({ concurrency: 4, prune: { share: 0.5, count: 3 } }),
    pollMs: 3_600_000,
    workers: 2,
  };
  const effectDeps: EffectDeps = {
    ...deps,
    recheckArtifact: () => Promise.reject(new Error('no work of an agent is here')),
  };
  const { signal } = new AbortController();
  const plan = async (): Promise<void> => {
    // Waits that the product makes between two looks are skipped.
    await db.query(sql`update config_plan set due_at = now()`);
    while ((await planDue(deps, signal)) > 0) {
      // One round takes a few; what is due again later is not taken twice.
    }
  };
  const publish = async (): Promise<void> => {
    while ((await carryOutEffects(effectDeps, signal)) > 0) {
      // Until nothing is left.
    }
  };

  return {
    ...shop,
    deps,
    effectDeps,
    review,
    repoId,
    signal,
    plan,
    publish,
    repo: await getRepo(db, repoId),
    /** Reads the default branch and applies what is there. */
    async reconcile(): Promise<void> {
      await markDirty(db, [repoId], { priority: 2 });
      await reconcileDue(deps, signal);
    },
    /** Pushes files to a branch of their own and opens a merge request of bob's. */
    async propose(files: Record<string, string>, branch = 'change'): Promise<MergeRequest> {
      await gitlab.push(project, { branch, by: bob, files });
      return gitlab.as(bob).openMergeRequest(project, { source: branch, title: 'Change agents' });
    },
    /** What a hook would say, and all that follows. */
    async tell(request: MergeRequest): Promise<void> {
      await markMergeRequests(db, repoId, [request.iid]);
      await plan();
      await publish();
    },
    /** Notes of ours, without the line that marks them. */
    notes: (request: MergeRequest): string[] =>
      request.discussions
        .flatMap(({ notes }) => notes)
        .filter(({ author, system }) => author === shop.bot && !system)
        .map(({ body }) => body.replace(/^<!-- autodev:[^\n]*-->\n/u, '')),
    /** `name state` of what was said of the newest commit of a branch, oldest first. */
    async statuses(branch = 'change'): Promise<string[]> {
      const head = await gitlab.head(project, branch);
      return gitlab.state.pipelines
        .filter(({ sha }) => sha === head)
        .flatMap(({ jobs }) => jobs)
        .filter(({ kind }) => kind === 'external')
        .map(({ name, status, description }) => `${name} ${status}: ${description}`);
    },
    async state(request: MergeRequest): Promise<string | undefined> {
      const [row] = await db.query<{ state: string }>(sql`
        select state from config_plan where repo_id = ${repoId} and number = ${request.iid}
      `);
      return row?.state;
    },
  };
}
