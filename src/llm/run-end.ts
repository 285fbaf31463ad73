import { howItEnded, type LastWords } from './last-words.ts';
import type { ProviderVerdict } from './provider-event.ts';
import type { ToolTally } from './tool-tally.ts';

/** A shell's way to say that a signal ended a process, and the way of the bridge in a box. */
const SIGNALLED = 128;

/**
 * The verdict of a run whose own last event names no failure: done needs exit 0, a result, and a tool call that worked
 * where any was made.
 *
 * @param completed whether it said that it is done
 */
export function judgeEnd(
  { title, tools, said }: { title: string; tools: ToolTally; said: LastWords },
  exit: { readonly code: number | undefined; readonly signal: string | undefined },
  completed: boolean,
): ProviderVerdict {
  if (exit.code === 0 && completed) {
    const nothing = tools.fruitless();
    if (nothing === undefined) {
      return { type: 'done' };
    }
    const reason = nothing.outcome === 'denied' ? 'denied' : 'provider_error';
    return { type: 'failed', reason, detail: nothing.detail };
  }
  const words = said.telling();
  const after = words === undefined ? '' : `, after: ${words}`;
  const how = exit.code === 0 ? 'ended without a result' : howItEnded(exit);
  const killed = exit.code === undefined || exit.code > SIGNALLED;
  return {
    type: 'failed',
    reason: killed ? 'crashed' : 'provider_error',
    detail: `${title} ${how}${after}`,
  };
}
