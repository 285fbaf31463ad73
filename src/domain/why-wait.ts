import { formatDuration } from './duration.ts';
import type { WaitReason } from './job-state.ts';
import { POLICY_ACTOR } from './policy-actor.ts';
import type { HoldFact, PauseScope, WhyReason } from './why-facts.ts';

const WAITS: Readonly<Record<WaitReason, readonly [what: string, remedy?: string]>> = {
  gate: ['an approval', 'autodev approvals'],
  budget: ['budget', 'Raise the budget, or allow it once: autodev grant ID --usd N'],
  retry: ['its next try'],
  cooldown: ['its provider, which refuses calls for now', 'A second provider would take over.'],
  provider: [
    'a provider',
    'Add a key or login, or a provider to the agent; `autodev doctor` shows which work.',
  ],
  question: ['an answer', 'autodev answer ID TEXT'],
  parent: ['the job that it follows'],
};

/** What a job in `waiting` waits for. `id` goes into the command; without it the command says ID. */
export function explainWait(
  reason: WaitReason,
  {
    subject,
    id,
    wakeAt,
    now,
    detail,
  }: { subject: string; id?: string; wakeAt?: number; now: number; detail?: string },
): WhyReason {
  const [what, remedy] = WAITS[reason];
  const when = wakeAt === undefined ? '' : `, ${inTime(wakeAt, now)}`;
  const more = detail === undefined ? '' : ` ${detail}`;
  return {
    code: `waiting_${reason}`,
    sentence: `${subject} for ${what}${when}.${more}`,
    ...(remedy !== undefined && { remedy: id === undefined ? remedy : remedy.replace('ID', id) }),
    ...(wakeAt !== undefined && { until: wakeAt }),
  };
}

/** What lifts each hold; what a person wrote with it stands in the sentence. */
export function explainHold(
  { kind, reason, actor, until, scopes = ['agent'] }: HoldFact,
  { repo, agent, now }: { repo: string; agent: string; now: number },
): WhyReason {
  const remedies: Readonly<Record<HoldFact['kind'], string>> = {
    paused: scopes.map((scope) => resumeCommand(scope, { repo, agent })).join(' and '),
    suspended: `autodev resume ${repo}`,
    disabled: `Set agents.${agent}.enabled: true in autodev.yaml.`,
    removed: `Add ${agent} to \`agents\` in autodev.yaml.`,
    breaker: `Look at its last jobs, then: autodev reset ${repo} ${agent}`,
    merge_requests: 'Merge or close some of its merge requests, or raise max_open_merge_requests.',
    bypassed: `A maintainer looks at what was merged, then: autodev resume ${repo}`,
    no_runner:
      'Give it a provider that a runner has, e.g. providers: [{ name: command, run: […] }]',
  };
  const by = actor === undefined ? '' : ` by ${actor}`;
  const end = until === undefined ? '' : `, ends ${inTime(until, now)}`;
  return {
    code: `hold_${kind}`,
    sentence: `The lane is held${by} (${kind.replace('_', ' ')}${end}): ${reason}`,
    remedy:
      kind === 'paused' && actor === POLICY_ACTOR
        ? `It ends by itself. Which rule says so: autodev explain policy ${repo} deny_windows`
        : remedies[kind],
    ...(until !== undefined && { until }),
  };
}

/** Only the same scope lifts a pause: a narrower one stays paused by the wider, and the other way round. */
function resumeCommand(
  scope: PauseScope,
  { repo, agent }: { repo: string; agent: string },
): string {
  const about = { fleet: '', repo: ` ${repo}`, agent: ` ${repo} ${agent}` };
  return `autodev resume${about[scope]}`;
}

/** `in 3 m 12 s`, or `now` for what is due. */
export function inTime(at: number, now: number): string {
  return at <= now ? 'due now' : `in ${formatDuration(at - now)}`;
}
