import { availableParallelism } from 'node:os';

import { version } from '../cli/version.ts';
import { denialAt } from '../config/deny-windows.ts';
import { sha256 } from '../config/objects.ts';
import { effectivePolicy } from '../config/policy.ts';
import { repoLimits } from '../config/repo-limits.ts';
import { retention } from '../config/retention.ts';
import { riskOf } from '../config/risk.ts';
import { PLAN_CHANNEL } from '../db/config-plans.ts';
import { REVIEW_CHANNEL } from '../db/forge-reviews.ts';
import { HINT_CHANNEL } from '../db/hook-deliveries.ts';
import { REPO_CHANNEL } from '../db/repo-sync.ts';
import { SCHEDULE_CHANNEL } from '../db/schedules.ts';
import type { Wake } from '../db/wake.ts';
import { createWake } from '../db/wake.ts';
import { isAgent } from '../domain/agent.ts';
import { canonicalJson } from '../domain/canonical-json.ts';
import type { Service } from '../kernel/service.ts';
import { keepRunning } from '../kernel/service.ts';
import { createBranchWatch } from '../orchestrator/branches.ts';
import { createGateService } from '../orchestrator/decide-gates.ts';
import { createDenyWatch } from '../orchestrator/deny-starts.ts';
import { createEffectService } from '../orchestrator/effects.ts';
import { createHintService } from '../orchestrator/follow-hints.ts';
import { createReaper } from '../orchestrator/reaper.ts';
import { createRecheck } from '../orchestrator/recheck-artifact.ts';
import { createRetention } from '../orchestrator/retention.ts';
import { createTriggerService } from '../orchestrator/start-triggered.ts';
import {
  createLaneWatch,
  createPartitionKeeper,
  createPromoter,
  createRecount,
} from '../orchestrator/upkeep.ts';
import { createReviewWatch } from '../orchestrator/watch-reviews.ts';
import { createConfigPool } from '../reconciler/config-pool.ts';
import { createGroupFollower } from '../reconciler/follow-groups.ts';
import { loadOnRequest } from '../reconciler/load-request.ts';
import { createPlanService } from '../reconciler/plan-service.ts';
import type { ReconcileDeps } from '../reconciler/reconcile-repo.ts';
import { createReconciler } from '../reconciler/reconciler.ts';
import { createRepoWatch } from '../reconciler/watch-repos.ts';
import { createHasChanged } from '../scheduler/has-changed.ts';
import { createScheduler } from '../scheduler/scheduler.ts';
import { openActReader } from './act-reader.ts';
import { createInspection } from './inspect-artifact.ts';
import { underPolicy } from './live-policy.ts';
import type { Platform } from './platform.ts';

/** How long an unchanged local repository is left alone; a watch on its folder is usually faster. */
const LOCAL_POLL_MS = 1000;
/** GitLab tells of pushes; this is for what it did not tell. */
const GITLAB_POLL_MS = 300_000;
const RECONCILE_WORKERS = 4;

/** What the reconciler needs, and what plans for people are made with. Threads that it starts end with `stack`. */
export function reconcileDeps(platform: Platform, stack: DisposableStack): ReconcileDeps {
  const { policy, settings } = platform;
  const log = platform.log.child({ service: 'reconciler' });
  // A thread beside the only processor would take as much from it, and more.
  const load =
    availableParallelism() > 1
      ? stack.use(createConfigPool({ ...platform, log })).load
      : loadOnRequest;
  const credentials = credentialsOf(settings);
  return {
    ...platform,
    log,
    risk: riskOf,
    limitsOf: (path) => repoLimits(policy, path),
    inputsVersion: inputsVersion(platform),
    load: (repo, source, readFile) =>
      load(
        {
          source,
          effective: effectivePolicy(policy, repo.path),
          ...(credentials.length > 0 && { credentials }),
        },
        readFile,
      ),
  };
}

/** A verdict holds while the product, the policy and the credentials are the same. */
function inputsVersion({ policy, settings }: Platform): string {
  const inputs = [version, policy.policy, credentialsOf(settings)];
  return sha256(canonicalJson(inputs)).slice(0, 16);
}

function credentialsOf(settings: Platform['settings']): ('codex' | 'claude')[] {
  return [
    ...(settings.OPENAI_API_KEY ? (['codex'] as const) : []),
    ...(settings.ANTHROPIC_API_KEY ? (['claude'] as const) : []),
  ];
}

/** Opens a wake that ends with `stack`. */
export async function openWake(
  { db, clock }: Platform,
  stack: DisposableStack,
  channel: string,
): Promise<Wake> {
  return stack.use(await createWake({ db, clock, channel }));
}

export async function reconcilerServices(
  platform: Platform,
  stack: DisposableStack,
): Promise<Service[]> {
  const wake = await openWake(platform, stack, REPO_CHANNEL);
  const deps = reconcileDeps(platform, stack);
  const { gitlab } = platform.forge;
  const plans = gitlab ? await openWake(platform, stack, PLAN_CHANNEL) : wake;
  return [
    keepRunning(
      platform,
      'reconciler',
      // Another policy may allow more or less, so each file is read again.
      underPolicy(platform.policy, () =>
        createReconciler({
          ...deps,
          review: gitlab?.review,
          inputsVersion: inputsVersion(platform),
          wake,
          pollMs: LOCAL_POLL_MS,
          gitlabPollMs: GITLAB_POLL_MS,
          workers: RECONCILE_WORKERS,
        }),
      ),
    ),
    keepRunning(platform, 'watch', createRepoWatch({ ...platform, wake })),
    ...(gitlab
      ? [
          keepRunning(platform, 'groups', createGroupFollower({ ...platform, gitlab })),
          keepRunning(
            platform,
            'plans',
            underPolicy(platform.policy, () =>
              createPlanService({
                ...deps,
                review: gitlab.review,
                matches: platform.matches,
                inputsVersion: inputsVersion(platform),
                wake: plans,
              }),
            ),
          ),
        ]
      : []),
  ];
}

export async function schedulerServices(
  platform: Platform,
  stack: DisposableStack,
): Promise<Service[]> {
  const wake = await openWake(platform, stack, SCHEDULE_CHANNEL);
  return [
    keepRunning(
      platform,
      'scheduler',
      createScheduler({
        ...platform,
        log: platform.log.child({ service: 'scheduler' }),
        wake,
        standingTask: standingTasks(platform),
        hasChanged: createHasChanged(platform),
      }),
    ),
  ];
}

export async function orchestratorServices(
  platform: Platform,
  stack: DisposableStack,
): Promise<Service[]> {
  const deps = {
    ...platform,
    log: platform.log.child({ service: 'orchestrator' }),
    standingTask: standingTasks(platform),
    review: platform.forge.gitlab?.review,
    recheckArtifact: createRecheck({ ...platform, inspect: createInspection(platform) }),
  };
  const wake = (channel: string): Promise<Wake> => openWake(platform, stack, channel);
  const acts = await openActReader(platform);
  const { gitlab } = platform.forge;
  const services: Record<string, Service> = {
    ...(acts && { hints: createHintService({ ...deps, acts, wake: await wake(HINT_CHANNEL) }) }),
    triggers: createTriggerService({ ...deps, wake: await wake('event') }),
    effects: createEffectService({ ...deps, wake: await wake('effect') }),
    gates: createGateService({ ...deps, wake: await wake('gate') }),
    branches: createBranchWatch({ ...deps, wake: await wake('event') }),
    ...(gitlab && {
      reviews: createReviewWatch({
        ...deps,
        review: gitlab.review,
        votes: gitlab.votes,
        identities: [platform.identity.name, platform.identity.email],
        wake: await wake(REVIEW_CHANNEL),
      }),
    }),
    promoter: createPromoter(deps),
    reaper: createReaper(deps),
    lanes: createLaneWatch(deps),
    recount: createRecount(deps),
    partitions: createPartitionKeeper(deps),
    retention: createRetention({ ...deps, keep: () => retention(platform.policy.policy) }),
    denials: createDenyWatch({ ...deps, denialOf: denialOf(platform) }),
  };
  return Object.entries(services).map(([name, service]) => keepRunning(platform, name, service));
}

/** Whether the policy lets jobs of a repository start now. */
function denialOf({ policy, clock, nextCronTime }: Platform) {
  return (path: string) => {
    // Most policies deny nothing, and then no rule needs to be held against a thousand repositories.
    if (!policy.policy.rules?.some(({ deny_windows: windows }) => windows !== undefined)) {
      return undefined;
    }
    const windows = effectivePolicy(policy, path).rule.deny_windows ?? [];
    return denialAt(windows, clock.now().getTime(), nextCronTime);
  };
}

/** What a role does where nobody says otherwise. */
function standingTasks({ roles }: Platform): (agent: string) => { title: string; task: string } {
  return (agent) => {
    const role = isAgent(agent) ? roles[agent] : undefined;
    return { title: role?.title ?? agent, task: role?.task ?? '' };
  };
}
