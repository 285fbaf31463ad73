import { Cron } from 'croner';

import { amount } from './amount.ts';
import type { NextCronTime } from './cron-times.ts';
import type { Diagnostic } from './diagnostics.ts';
import type { DenyWindow, Policy } from './policy.generated.ts';
import type { SourceDocument } from './source-document.ts';

/** Why no job starts, and until when (epoch milliseconds). */
export interface Denial {
  readonly reason: string;
  readonly until: number;
}

const SHORTEST_LOOK_MS = 60_000;
/** A pattern with more beginnings than this within one window is denied throughout; only its end is guessed. */
const MOST_STEPS = 100;

/** The denial that lasts longest of those that hold at an instant. */
export function denialAt(
  windows: readonly DenyWindow[],
  now: number,
  nextCronTime: NextCronTime,
): Denial | undefined {
  return windows
    .flatMap(({ cron, duration, timezone = 'UTC', reason }): Denial[] => {
      const lasts = amount('duration', duration) ?? 0;
      const next = (after: number): number | undefined => nextCronTime(cron, timezone, after);
      const start = latestStart(next, { now, lasts });
      const said = reason ?? `\`${cron}\` (${timezone}) for ${duration}`;
      return start === undefined ? [] : [{ reason: said, until: start + lasts }];
    })
    .toSorted((a, b) => b.until - a.until)[0];
}

/** When the window that holds at `now` began last; undefined when none does. A window ends before its last instant. */
function latestStart(
  next: (after: number) => number | undefined,
  { now, lasts }: { now: number; lasts: number },
): number | undefined {
  const startAfter = (after: number): number | undefined => {
    const at = next(after);
    return at === undefined || at > now ? undefined : at;
  };
  let start: number | undefined;
  for (let look = SHORTEST_LOOK_MS; start === undefined; look *= 2) {
    start = startAfter(now - Math.min(look, lasts));
    if (look >= lasts) {
      break;
    }
  }
  for (let step = 0; start !== undefined && step < MOST_STEPS; step += 1) {
    const later = startAfter(start);
    if (later === undefined) {
      return start;
    }
    start = later;
  }
  return start;
}

/** What the schema cannot see of deny windows: whether their patterns and zones are any. */
export function checkDenyWindows(document: SourceDocument, policy: Policy): Diagnostic[] {
  return (policy.rules ?? []).flatMap(({ deny_windows: windows = [] }, rule) =>
    windows.flatMap(({ cron, timezone = 'UTC' }, window) => {
      const path = ['rules', rule, 'deny_windows', window] as const;
      if (!isZone(timezone)) {
        return [
          document.diagnose([...path, 'timezone'], {
            code: 'invalid_timezone',
            message: `\`${timezone}\` is no time zone.`,
            remedy: 'Take an IANA name such as Europe/Berlin.',
          }),
        ];
      }
      const comes = whetherItComes(cron);
      return comes === 'yes'
        ? []
        : [
            document.diagnose([...path, 'cron'], {
              code: comes === 'never' ? 'cron_never' : 'invalid_cron',
              message: `\`${cron}\` ${comes === 'never' ? 'never happens' : 'is no five-field pattern'}.`,
              remedy: 'Write minute, hour, day of month, month, day of week: "0 0 20 12 *".',
            }),
          ];
    }),
  );
}

function whetherItComes(cron: string): 'yes' | 'never' | 'invalid' {
  try {
    const pattern = new Cron(cron, { mode: '5-part', utcOffset: 0 });
    return pattern.nextRun(new Date('2026-01-01T00:00:00Z')) === null ? 'never' : 'yes';
  } catch {
    return 'invalid';
  }
}

function isZone(zone: string): boolean {
  try {
    return Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
