import type { Agent } from './agent.ts';
import type { Role } from './role.ts';
import { isAtLeast } from './role.ts';
import type { EventName, TriggerSpec } from './spec.ts';
import type { TemplateValues } from './template.ts';

/** What happened, as far as triggers look at it. Left out: the event has no such thing. */
export interface HappenedEvent {
  readonly type: EventName;
  /** What the actor may do here; `autodev` for an act of ours. */
  readonly role: Role;
  readonly actor: string;
  readonly labels: readonly string[];
  readonly ref?: string;
  /** `job_succeeded`: whose job. */
  readonly agent?: Agent;
  readonly paths: readonly string[];
  readonly values: TemplateValues;
}

/** Why an event starts nothing by a trigger; undefined: it starts a job. */
export type NoMatch = 'disabled' | 'other_event' | 'role_too_low' | 'where';

/**
 * Whether an event starts a trigger's job. Our own acts count only where the trigger says `from: autodev`, so that
 * agents do not set each other off by accident.
 */
export function matchTrigger(
  trigger: Pick<TriggerSpec, 'enabled' | 'events' | 'where' | 'from'>,
  event: HappenedEvent,
  matches: (glob: string, text: string) => boolean,
): NoMatch | undefined {
  if (!trigger.enabled) {
    return 'disabled';
  }
  if (!trigger.events.includes(event.type)) {
    return 'other_event';
  }
  const counts =
    event.role === 'autodev' ? trigger.from === 'autodev' : isAtLeast(event.role, trigger.from);
  if (!counts) {
    return 'role_too_low';
  }
  const holds = Object.entries(trigger.where).every(([field, wanted]) =>
    fieldMatches(field, [wanted].flat(), { event, matches }),
  );
  return holds ? undefined : 'where';
}

function fieldMatches(
  field: string,
  wanted: readonly string[],
  { event, matches }: { event: HappenedEvent; matches: (glob: string, text: string) => boolean },
): boolean {
  const some = (texts: readonly string[]): boolean => wanted.some((value) => texts.includes(value));
  const someGlob = (texts: readonly string[]): boolean =>
    wanted.some((glob) => texts.some((text) => matches(glob, text)));
  switch (field) {
    case 'label':
      return some(event.labels);
    case 'author':
      return some([event.actor]);
    case 'agent':
      return some(event.agent === undefined ? [] : [event.agent]);
    case 'ref':
      return someGlob(event.ref === undefined ? [] : [event.ref]);
    case 'paths':
      return someGlob(event.paths);
    default:
      // A condition that is not understood must not be taken for met.
      return false;
  }
}
