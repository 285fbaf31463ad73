import { describeSkip } from './schedule-policy.ts';
import type { LaneFacts, ScheduleFact, WhyReason } from './why-facts.ts';
import { inTime } from './why-wait.ts';

/** Where a lane without jobs would get new ones from. Never empty. */
export function explainIdle({ schedules, triggers, agent, repo, now }: LaneFacts): WhyReason[] {
  const reasons = schedules.flatMap((schedule) => explainSchedule(schedule, now));
  if (triggers.length > 0) {
    reasons.push({
      code: 'waits_for_event',
      sentence: `It has no job and waits for an event of ${triggers.join(', ')}.`,
    });
  }
  if (schedules.length === 0 && triggers.length === 0) {
    reasons.push({
      code: 'no_source_of_work',
      sentence: `Nothing starts ${agent}: it has no enabled schedule and no trigger.`,
      remedy: `Add one to autodev.yaml, or: autodev run ${repo} ${agent} TASK`,
    });
  }
  return reasons;
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
