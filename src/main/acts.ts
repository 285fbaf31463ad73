import { fleetBudgets } from '../config/fleet-budgets.ts';
import type { LoadedPolicy } from '../config/policy.ts';
import { effectivePolicy, explainPolicy } from '../config/policy.ts';
import type { ControlBus } from '../control/control-bus.ts';
import type { Acts } from '../dashboard/api/acts.ts';
import type { PostgresDb } from '../db/pool.ts';
import type { Wake } from '../db/wake.ts';
import type { ZoneOffset } from '../domain/zone-offset.ts';
import type { Forges } from '../forge/forges.ts';
import type { Clock } from '../kernel/clock.ts';
import { castVote } from '../orchestrator/acts/cast-vote.ts';
import { grantBudget } from '../orchestrator/acts/grant-budget.ts';
import { grantWindows } from '../orchestrator/acts/grant-windows.ts';
import { retrySetAside } from '../orchestrator/acts/retry-set-aside.ts';
import { replayJob, retryJob, runJob } from '../orchestrator/acts/start-job.ts';
import { drain, liftControl, pause, resetBreaker, resume } from '../orchestrator/acts/steer.ts';
import { cancelJob, releaseJob } from '../orchestrator/acts/stop-job.ts';
import { offerOnboarding } from '../reconciler/onboard.ts';
import type { PreviewDeps } from '../reconciler/preview.ts';
import { planRepo } from '../reconciler/preview.ts';
import { registerGroup, registerProject } from '../reconciler/register-project.ts';
import { registerRepo, unregisterRepo } from '../reconciler/register-repo.ts';
import { syncRepo } from '../reconciler/sync-repo.ts';
import { withoutBox } from './without-box.ts';

interface ActsDeps extends PreviewDeps {
  db: PostgresDb;
  bus: Pick<ControlBus, 'publish'>;
  clock: Clock;
  zoneOffset: ZoneOffset;
  forge: Forges;
  /** The operating-system user, who is the owner of everything here. */
  operator: string;
  gateWake: Wake;
  policy: LoadedPolicy;
  /** Why no repository beside the demo may be added; undefined: any may. */
  onlyDemo: string | undefined;
}

/** A registration is short, and is not left half done when the browser is closed. */
const NEVER = new AbortController().signal;

/** What the API may cause, wired to the parts that do it. */
export function createActs(deps: ActsDeps): Acts {
  const { db, clock, operator, gateWake } = deps;
  const { gitlab } = deps.forge;
  return {
    castVote: (gateId, vote) => castVote({ db, clock, operator, wake: gateWake }, gateId, vote),
    runJob: (job) => runJob(deps, job),
    retryJob: (jobId, options) => retryJob(deps, jobId, options),
    replayJob: (jobId, options) => replayJob(deps, jobId, options),
    releaseJob: (jobId, by) => releaseJob(deps, jobId, by),
    cancelJob: (jobId, options) => cancelJob(deps, jobId, options),
    retrySetAside: (row, by) => retrySetAside(deps, row, by),
    grantWindows: (scope, grant) =>
      grantWindows({ ...deps, fleetBudgets: () => fleetBudgets(deps.policy.policy) }, scope, grant),
    grantBudget: (jobId, grant) => grantBudget(deps, jobId, grant),
    pause: (scope, options) => pause(deps, scope, options),
    resume: (scope, by) => resume(deps, scope, by),
    liftControl: (controlId, by) => liftControl(deps, controlId, by),
    drain: (runnerId, options) => drain(deps, runnerId, options),
    resetBreaker: (repoId, agent, by) => resetBreaker(deps, { repoId, agent }, by),
    addRepo: (repo) => {
      if (deps.onlyDemo !== undefined) {
        return Promise.reject(withoutBox(deps.onlyDemo));
      }
      const { forge = 'local', location, actor, branch } = repo;
      return forge === 'gitlab'
        ? registerProject({ db, gitlab }, { actor, project: location, branch }, NEVER)
        : registerRepo(deps, { ...repo, location });
    },
    addGroup: (group) => registerGroup({ db, gitlab }, group, NEVER),
    removeRepo: (repoId, by) => unregisterRepo(deps, repoId, by),
    onboardRepo: (repoId, options) => offerOnboarding({ db }, repoId, options),
    syncRepo: (repoId, options) => syncRepo(deps, repoId, options),
    planRepo: (repoId, options) => planRepo(deps, repoId, options),
    explainPolicy: (path, key) =>
      explainPolicy(effectivePolicy(deps.policy, path), key).map(({ origin, ...said }) => ({
        ...said,
        origin: origin ?? null,
      })),
  };
}
