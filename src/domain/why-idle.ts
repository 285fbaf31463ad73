import { describeSkip } from './schedule-policy.ts';
import type { LaneFacts, ScheduleFact, TriggerFact, WhyReason } from './why-facts.ts';
import { inTime } from './why-wait.ts';

/** Where a lane without jobs would get new ones from. Never empty. */
export function explainIdle(facts: LaneFacts): WhyReason[] {
  const { schedules, triggers, handOffs, agent, repo, now } = facts;
  const reasons = schedules.flatMap((schedule) => explainSchedule(schedule, now));
  const live = triggers.filter(({ spent }) => !spent);
  if (live.length > 0) {
    reasons.push({
      code: 'waits_for_event',
      sentence: `It has no job and waits for an event of ${live.map(triggerText).join(', ')}.`,
    });
  }
  if (handOffs.length > 0) {
    reasons.push({
      code: 'waits_for_hand_off',
      sentence: `It is started by hand-offs of ${handOffs.join(', ')}.`,
    });
  }
  for (const trigger of triggers.filter(({ spent }) => spent)) {
    reasons.push({
      code: 'trigger_spent',
      sentence: `Its trigger ${triggerText(trigger)} has fired, once per repository.`,
    });
  }
  if (schedules.length + live.length + handOffs.length === 0) {
    reasons.push({
      code: 'no_source_of_work',
      sentence: `Nothing starts ${agent}${triggers.length > 0 ? ' any more' : ''}: it has no enabled schedule, no trigger that can fire, and no agent hands work to it.`,
      remedy: `Add one to autodev.yaml, or: autodev run ${repo} ${agent} TASK`,
    });
  }
  return reasons;
}

function triggerText({ name, events }: TriggerFact): string {
  return `\`${name}\` (${events.join(', ')})`;
}

function explainSchedule({ name, nextAt, lastSkip }: ScheduleFact, now: number): WhyReason[] {
  const reasons: WhyReason[] = [];
  if (lastSkip !== undefined) {
    reasons.push({
      code: 'schedule_skipped',
      sentence: `The last occurrence of ${name} was skipped. ${describeSkip(lastSkip.reason)}`,
    });
  }
  if (nextAt === undefined) {
    reasons.push({
      code: 'schedule_ended',
      sentence: `The schedule ${name} has ended.`,
      remedy: `Move schedules.${name}.until, or take the schedule out.`,
    });
  } else {
    reasons.push({
      code: 'not_due',
      sentence: `The schedule ${name} is next due ${inTime(nextAt, now).replace('due now', 'now')}.`,
      until: nextAt,
    });
  }
  return reasons;
}
