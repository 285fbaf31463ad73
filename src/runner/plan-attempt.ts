import type { EndReason } from '../domain/end-reason.ts';
import { afterCooldown, chooseProvider, type CredentialState } from '../domain/fallback.ts';
import type { WaitReason } from '../domain/job-state.ts';
import type { JobTrigger } from '../domain/job.ts';
import type { AgentSpec, ProviderSpec, RepoSpec } from '../domain/spec.ts';

/** What ops allow today, asked at each claim: the spec as it may run, or why it may not run now. */
export type PolicyVerdict =
  | { readonly spec: AgentSpec }
  | { readonly refused: string; readonly reason: EndReason };

export type AttemptPlan =
  | {
      readonly run: {
        readonly spec: AgentSpec;
        readonly provider: ProviderSpec;
        /** Whether one that the agent has rather was passed over. */
        readonly fallback: boolean;
      };
    }
  /** The job goes back, without an attempt that counts. */
  | {
      readonly wait: WaitReason;
      readonly afterMs: number;
      readonly reason: EndReason;
      readonly detail: string;
    }
  | { readonly cancel: string };

/** A job that nothing here can run is looked at again after this long. */
const LOOK_AGAIN_MS = 60_000;

/**
 * What becomes of a claimed job: the agent as the revision in force has it, narrowed by what started the job and
 * by today's policy, with the first of its providers that can work now.
 */
export function planAttempt({
  agent,
  trigger,
  revision,
  stateOf,
  policy,
  now,
  seed,
}: {
  agent: string;
  trigger: JobTrigger;
  revision: RepoSpec | undefined;
  /** Of a provider's credential, and whether this runner has it at all. */
  stateOf: (provider: ProviderSpec) => CredentialState;
  policy: (spec: AgentSpec) => PolicyVerdict;
  /** Epoch milliseconds. */
  now: number;
  /** Spreads jobs that wait for the same provider. */
  seed: string;
}): AttemptPlan {
  if (revision === undefined) {
    const detail = 'No autodev.yaml of this repository is in force.';
    return { wait: 'retry', afterMs: LOOK_AGAIN_MS, reason: 'denied', detail };
  }
  const listed = revision.agents[agent];
  if (listed === undefined) {
    return { cancel: `The agent ${agent} is no longer listed in autodev.yaml.` };
  }
  const narrowed = { ...listed, ...narrowingOf(revision, trigger) };
  const chosen = chosenProvider(narrowed, trigger);
  if (chosen?.length === 0) {
    return {
      cancel: `It was to run with ${trigger.provider}, for which autodev.yaml names no program.`,
    };
  }
  const verdict = policy(chosen ? { ...narrowed, providers: chosen } : narrowed);
  if ('refused' in verdict) {
    const { refused: detail, reason } = verdict;
    return { wait: 'provider', afterMs: LOOK_AGAIN_MS, reason, detail };
  }
  const { spec } = verdict;
  const { providers, neverDowngrade } = spec;
  const choice = chooseProvider(providers, stateOf, { neverDowngrade, now });
  if (choice.choice === 'use') {
    return { run: { spec, provider: choice.provider, fallback: choice.fallback } };
  }
  if (choice.choice === 'none') {
    const reason = choice.refused ? 'provider_auth' : 'provider_error';
    return { wait: 'provider', afterMs: LOOK_AGAIN_MS, reason, detail: choice.reason };
  }
  const names = providers.map(({ name }) => name).join(', ');
  return {
    wait: 'cooldown',
    afterMs: afterCooldown(choice.until, { now, seed }) - now,
    reason: 'rate_limited',
    detail: `Its providers cool down (${names}); the first is free at ${new Date(choice.until).toISOString()}.`,
  };
}

/**
 * Whom a replay was to run with: as the file describes it, or with the default model where it does not list it. Only
 * `command` needs to be described: it is nothing without its program.
 */
function chosenProvider(
  { providers }: AgentSpec,
  { provider }: JobTrigger,
): readonly ProviderSpec[] | undefined {
  if (provider === undefined) {
    return undefined;
  }
  const listed = providers.filter(({ name }) => name === provider);
  return listed.length > 0 || provider === 'command' ? listed : [{ name: provider }];
}

function narrowingOf(
  spec: RepoSpec,
  { kind, name, began_with: first }: JobTrigger,
): Partial<AgentSpec> {
  if (name === undefined) {
    return {};
  }
  const began = first ?? kind;
  if (began === 'schedule') {
    return spec.schedules[name]?.with ?? {};
  }
  return began === 'trigger' ? (spec.triggers[name]?.with ?? {}) : {};
}
