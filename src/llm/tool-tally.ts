import type { ToolEvent, ToolOutcome } from './provider-event.ts';

const SHOWN_NAMES = 5;
const NAME_CHARACTERS = 60;
const DETAIL_CHARACTERS = 1000;

/**
 * Follows a worker's tool calls. The programs end well even when nothing that they called worked (a box inside a box,
 * a missing permission), which must not count as work done.
 */
export interface ToolTally {
  began(call: { id: string; name: string; detail: string }): ToolEvent;
  ended(call: { id: string; name?: string; outcome: ToolOutcome }): ToolEvent;
  /** That it was not permitted is known before it ends. */
  denied(id: string): void;
  /** Why nothing can have been done: every call came back, and none had worked. Undefined: something may have been. */
  fruitless(): { readonly outcome: 'failed' | 'denied'; readonly detail: string } | undefined;
}

export function toolTally(): ToolTally {
  const open = new Map<string, string>();
  const refused = new Set<string>();
  const counts = { ok: 0, failed: 0, denied: 0 };
  const names = new Set<string>();

  return {
    began({ id, name, detail }) {
      const shown = name.slice(0, NAME_CHARACTERS);
      open.set(id, shown);
      return {
        type: 'tool',
        phase: 'began',
        id,
        name: shown,
        detail: detail.slice(0, DETAIL_CHARACTERS),
      };
    },
    ended({ id, name: given, outcome: told }) {
      const name = open.get(id) ?? (given ?? 'a tool').slice(0, NAME_CHARACTERS);
      const outcome = refused.delete(id) ? 'denied' : told;
      open.delete(id);
      counts[outcome] += 1;
      if (names.size < SHOWN_NAMES) {
        names.add(name);
      }
      return { type: 'tool', phase: 'ended', id, name, outcome };
    },
    denied(id) {
      refused.add(id);
    },
    fruitless() {
      const calls = counts.failed + counts.denied;
      if (calls === 0 || counts.ok > 0 || open.size > 0) {
        return undefined;
      }
      const which = [...names].join(', ');
      const how =
        counts.denied === 0
          ? 'failed'
          : counts.failed === 0
            ? 'was denied'
            : 'failed or was denied';
      return {
        outcome: counts.denied > 0 ? 'denied' : 'failed',
        detail: `It says that it is done, but each of its ${calls} tool calls ${how} (${which}).`,
      };
    },
  };
}
