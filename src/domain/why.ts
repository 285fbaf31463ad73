import { describeReason } from './end-reason-text.ts';
import { isFinal } from './job-state.ts';
import type { JobFacts, LaneFacts, SlotFact, WhyReason } from './why-facts.ts';
import { explainIdle } from './why-idle.ts';
import { explainHold, explainWait } from './why-wait.ts';

/**
 * Every reason for which a lane can stand still, what people must do first, then limits, then what its jobs
 * wait for, then where new work would come from. Never empty: a lane at work says that as well.
 */
export function explainLane(facts: LaneFacts): WhyReason[] {
  const { waiting, queued, slots, now } = facts;
  const waits = waiting
    .filter(({ count }) => count > 0)
    .map(({ reason, count, wakeAt }) => {
      const subject = count === 1 ? 'A job waits' : `${count} jobs wait`;
      return explainWait(reason, { subject, now, ...(wakeAt !== undefined && { wakeAt }) });
    });
  const obstacles = explainObstacles(facts);
  const work: WhyReason[] = [];
  if (slots.lane.running > 0) {
    work.push({ code: 'running', sentence: `${countOf(slots.lane.running)} running.` });
  }
  if (queued > 0 && obstacles.length === 0) {
    work.push({
      code: 'queued_next',
      sentence: `${countOf(queued)} queued; a runner takes it next.`,
    });
  }

  const isIdle = queued === 0 && waits.length === 0 && slots.lane.running === 0;
  return [...obstacles, ...work, ...waits, ...(isIdle ? explainIdle(facts) : [])];
}

/** Why a job does not go on: what it waits for itself, then what stops its lane. Never empty. */
export function explainJob(job: JobFacts): WhyReason[] {
  const { state, reason, gate } = job;
  if (isFinal(state)) {
    const text = reason === undefined ? undefined : describeReason(reason);
    const sentence = `It ended as ${state}.${text ? ` ${text.sentence}` : ''}`;
    return [{ code: 'ended', sentence, ...remedyFor(text?.remedy, job.id) }];
  }

  switch (state) {
    case 'waiting': {
      return [explainWaiting(job)];
    }
    case 'queued': {
      return explainQueued(job);
    }
    case 'running': {
      return [{ code: 'running', sentence: 'It is running.', remedy: `autodev logs ${job.id} -f` }];
    }
    case 'publishing': {
      return [explainPublishing(job)];
    }
    case 'review': {
      const missing = gate?.missing.join(' ') ?? '';
      const sentence = `Its merge request waits for people.${missing && ` ${missing}`}`;
      return [{ code: 'in_review', sentence, remedy: `autodev approve ${job.id}` }];
    }
    case 'succeeded':
    case 'failed':
    case 'cancelled':
    case 'rejected': {
      break;
    }
  }
  return [];
}

function explainWaiting({ waitReason = 'retry', ...job }: JobFacts): WhyReason {
  const { gate, parent, wakeAt, lane } = job;
  const details = [
    waitReason === 'parent' && parent ? `That is ${parent.id}, which is ${parent.state}.` : '',
    waitReason === 'gate' && gate ? `It is ${gate.id}. ${gate.missing.join(' ')}`.trim() : '',
    waitReason === 'retry' && job.reason ? describeReason(job.reason).sentence : '',
    job.detail ?? '',
  ].filter((detail) => detail !== '');

  const wait = explainWait(waitReason, {
    subject: 'It waits',
    id: job.id,
    now: lane.now,
    ...(wakeAt !== undefined && { wakeAt }),
    ...(details.length > 0 && { detail: details.join(' ') }),
  });
  return waitReason === 'gate' && gate ? { ...wait, remedy: `autodev approve ${gate.id}` } : wait;
}

function explainQueued({ ahead, lane }: JobFacts): WhyReason[] {
  const obstacles = explainObstacles(lane);
  const place: WhyReason =
    ahead > 0
      ? { code: 'queued_behind', sentence: `${countOf(ahead)} before it in the lane.` }
      : { code: 'queued_next', sentence: 'It is the next of its lane.' };
  return [...obstacles, place];
}

function explainPublishing({ effect, lane, id }: JobFacts): WhyReason {
  const what = effect === undefined ? 'Its result' : `Its result (${effect.name})`;
  return effect?.lastError === undefined
    ? { code: 'publishing', sentence: `${what} is being written to ${lane.repo}.` }
    : {
        code: 'effect_failing',
        sentence: `${what} could not be written to ${lane.repo} yet: ${effect.lastError}`,
        remedy: `It is tried again; to give up: autodev cancel ${id}`,
      };
}

/** What keeps a lane from taking any job at all. */
function explainObstacles(facts: LaneFacts): WhyReason[] {
  const { repo, agent, now, holds, sandbox, runners, slots } = facts;
  const reasons = explainConfig(facts);
  reasons.push(...holds.map((hold) => explainHold(hold, { repo, agent, now })));
  if (!sandbox.available) {
    reasons.push({
      code: 'sandbox_unavailable',
      sentence: sandbox.message ?? 'No runner has a working sandbox.',
      remedy: 'autodev doctor',
    });
  }
  if (runners.live === 0 && !holds.some(({ kind }) => kind === 'no_runner')) {
    reasons.push({
      code: 'no_runner',
      sentence: `No live runner serves ${agent}.`,
      remedy: `autodev runner --agent ${agent}`,
    });
  }
  if (runners.full !== undefined) {
    reasons.push({ code: 'runner_full', sentence: runners.full, remedy: 'autodev doctor' });
  }
  reasons.push(
    ...explainSlots('lane_limit', `${agent} on ${repo}`, slots.lane, `agents.${agent}.concurrency`),
    ...explainSlots('repo_limit', repo, slots.repo, 'concurrency.repo of the policy'),
    ...explainSlots('fleet_limit', 'the fleet', slots.fleet, 'concurrency.fleet of the policy'),
  );
  return reasons;
}

function explainConfig({ source, config, listed, agent }: LaneFacts): WhyReason[] {
  const reasons: WhyReason[] = [];
  const force = config.lastGood ? 'The last good one stays in force.' : 'Nothing is in force yet.';
  const message = config.message === undefined ? '' : ` ${config.message}`;
  if (!source.readable) {
    const sentence = `The repository cannot be read for now. ${source.message ?? ''}`.trim();
    reasons.push({ code: 'source_unreadable', sentence, remedy: 'autodev doctor' });
  }
  if (config.state === 'missing') {
    const sentence = 'The default branch has no autodev.yaml.';
    reasons.push({ code: 'no_config', sentence, remedy: 'autodev init' });
  }
  if (config.state === 'invalid') {
    const sentence = `autodev.yaml is invalid.${message} ${force}`;
    reasons.push({ code: 'config_invalid', sentence, remedy: 'autodev validate' });
  }
  if (config.state === 'unreviewed') {
    const sentence = `A change of autodev.yaml waits for its approval.${message} ${force}`;
    reasons.push({ code: 'config_unreviewed', sentence, remedy: 'autodev approvals' });
  }
  if (!listed && config.state !== 'missing') {
    const sentence = `The autodev.yaml in force does not list ${agent}.`;
    const remedy = `Add it: agents: { ${agent}: {} }`;
    reasons.push({ code: 'agent_not_listed', sentence, remedy });
  }
  return reasons;
}

function explainSlots(
  code: 'lane_limit' | 'repo_limit' | 'fleet_limit',
  who: string,
  slot: SlotFact | undefined,
  key: string,
): WhyReason[] {
  if (slot === undefined || slot.running < slot.most) {
    return [];
  }
  const sentence = `${countOf(slot.running)} running; ${who} may run ${slot.most} at once.`;
  return [{ code, sentence, remedy: `Wait for one to end, or raise ${key}.` }];
}

function remedyFor(remedy: string | undefined, id: string): { remedy?: string } {
  return remedy === undefined ? {} : { remedy: remedy.replace(/\bID\b/u, id) };
}

function countOf(count: number): string {
  return count === 1 ? '1 job is' : `${count} jobs are`;
}
