import type { Static } from 'typebox';
import { Type } from 'typebox';

import type { JobSubject, JobTrigger } from '../../domain/job.ts';
import { jobId, orNull, time } from './wire.ts';

/** What started a job, as the API says it. */
export const Trigger = Type.Object({
  kind: Type.String(),
  actor: Type.String({ description: 'A person, or `autodev` for schedules and its own acts' }),
  name: Type.Optional(Type.String({ description: 'Of the schedule or trigger in autodev.yaml' })),
  line: Type.Optional(Type.Integer({ description: 'Of autodev.yaml' })),
  commit: Type.Optional(Type.String({ description: 'Of the autodev.yaml that was in force' })),
  nominal_at: Type.Optional(Type.String()),
  event_id: Type.Optional(Type.String()),
  from_job: Type.Optional(Type.String({ examples: ['j_12'] })),
  began_with: Type.Optional(Type.String()),
});
export type Trigger = Omit<JobTrigger, 'event_id' | 'from_job'> & {
  event_id?: string;
  from_job?: string;
};

export function triggerOf({ event_id: event, from_job: from, ...rest }: JobTrigger): Trigger {
  return {
    ...rest,
    ...(event !== undefined && { event_id: String(event) }),
    ...(from !== undefined && { from_job: jobId(from) }),
  };
}

/** What a job is about: an issue or merge request by its number in the repository, or a commit. */
export const Subject = orNull(
  Type.Object({
    kind: Type.Enum(['issue', 'merge_request', 'commit']),
    number: Type.Optional(Type.Integer()),
    sha: Type.Optional(Type.String()),
  }),
);
type Subject = Static<typeof Subject>;

export function subjectOf(subject: JobSubject | null): Subject {
  if (subject === null) {
    return null;
  }
  const { id: number, ...rest } = subject;
  return { ...rest, ...(number !== undefined && { number }) };
}

/**
 * A condition as the API says it: `type`, `status`, `reason`, `message`, `observed_revision`,
 * `last_transition_time`; rows count that time in epoch milliseconds.
 */
export function conditionOf(stored: unknown): unknown {
  const condition = snakeKeys(stored);
  if (typeof condition !== 'object' || condition === null) {
    return condition;
  }
  const at = 'last_transition_time' in condition ? condition.last_transition_time : undefined;
  return typeof at === 'number'
    ? { ...condition, last_transition_time: time(new Date(at)) }
    : condition;
}

/**
 * JSON of a row with every key in snake_case: for records whose keys are all ours. Not for specs: there names and
 * variables of the repository are keys as well.
 */
export function snakeKeys(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(snakeKeys);
  }
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [
      key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      snakeKeys(one),
    ]),
  );
}
