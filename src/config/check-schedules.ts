import { parseLocalDay } from '../domain/local-day.ts';
import type { AutodevConfig } from './autodev.generated.ts';
import type { Diagnostic } from './diagnostics.ts';
import { quote } from './quoting.ts';
import type { SourceDocument } from './source-document.ts';

/** Any instant does: a five-field pattern knows no years. */
const REFERENCE = new Date('2026-01-01T00:00:00Z');
/** So many occurrences show every gap within an hour down to 5 minutes, and every gap within a day. */
const SAMPLE = 25;
const HOUR_MS = 3_600_000;

const NICKNAMES: Readonly<Record<string, string>> = {
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@weekly': '0 0 * * 0',
  '@monthly': '0 0 1 * *',
  '@yearly': '0 0 1 1 *',
};

interface CheckOptions {
  /** The shortest time between two occurrences that is allowed, in milliseconds. */
  readonly minIntervalMs: number;
  /** Undefined: whether a date has passed is not asked. */
  readonly now: Date | undefined;
}

/** Cron patterns, the zone they are read in, and the day on which they end. */
export async function checkSchedules(
  document: SourceDocument,
  config: AutodevConfig,
  options: CheckOptions,
): Promise<Diagnostic[]> {
  const zone = config.timezone ?? 'UTC';
  if (zone !== 'UTC' && !isZone(zone)) {
    const { suggestZone } = await import('./zones.ts');
    const meant = suggestZone(zone);
    return [
      document.diagnose(['timezone'], {
        code: 'invalid_timezone',
        message: `\`${zone}\` is no time zone.`,
        remedy: `Take an IANA name${meant === undefined ? ' such as Europe/Berlin' : `: did you mean \`${meant}\`?`}`,
        ...(meant === undefined ? {} : { corrected: { replace: zone, by: meant } }),
      }),
    ];
  }
  const diagnostics: Diagnostic[] = [];
  for (const [name, schedule] of Object.entries(config.schedules ?? {})) {
    const path = ['schedules', name] as const;
    const found = schedule && (await checkCron(schedule.cron, options.minIntervalMs));
    if (found) {
      diagnostics.push(document.diagnose([...path, 'cron'], found));
    }
    const ends = schedule?.until === undefined ? undefined : checkDay(schedule.until, options.now);
    if (ends) {
      diagnostics.push(document.diagnose([...path, 'until'], ends));
    }
  }
  return diagnostics;
}

type Finding = Parameters<SourceDocument['diagnose']>[1];

async function checkCron(pattern: string, minIntervalMs: number): Promise<Finding | undefined> {
  const fields = pattern.trim().split(/\s+/);
  if (minIntervalMs <= HOUR_MS && isOnceAnHour(fields)) {
    return undefined;
  }
  const nickname = NICKNAMES[pattern.trim().toLowerCase()];
  if (nickname !== undefined || fields.length !== 5) {
    const five = nickname ?? (fields.length === 6 ? fields.slice(1).join(' ') : undefined);
    return {
      code: 'invalid_cron',
      message:
        nickname === undefined
          ? `\`${pattern}\` has ${fields.length} fields; five are needed.`
          : `\`${pattern}\` is no five-field pattern.`,
      remedy: 'Write minute, hour, day of month, month, day of week: "0 2 * * 1-5".',
      ...(five === undefined ? {} : { corrected: { replace: pattern, by: five } }),
    };
  }
  const { Cron } = await import('croner');
  try {
    // Gaps are the same in every zone; without one croner is four times as fast to begin with.
    const cron = new Cron(pattern, { mode: '5-part', utcOffset: 0 });
    // One minute of an hour cannot come twice within it.
    const isHourly = /^\d+$/.test(fields[0] ?? '') && minIntervalMs <= HOUR_MS;
    const times = cron.nextRuns(isHourly ? 1 : SAMPLE, REFERENCE).map((time) => time.getTime());
    if (times.length === 0) {
      return {
        code: 'cron_never',
        message: `\`${pattern}\` never happens.`,
        remedy: 'Look at the day and the month: not every month has 31 days.',
      };
    }
    const gap = Math.min(...times.slice(1).map((time, i) => time - (times[i] ?? 0)));
    return gap >= minIntervalMs
      ? undefined
      : {
          code: 'interval_too_short',
          message: `\`${pattern}\` comes again after ${gap / 60_000} min; at least ${minIntervalMs / 60_000} min must lie between.`,
          remedy: `Make it rarer, or ask for a lower \`schedule_interval\` in the policy.`,
          corrected: {
            replace: pattern,
            by: [`*/${Math.ceil(minIntervalMs / 60_000)}`, ...fields.slice(1)].join(' '),
          },
        };
  } catch (error) {
    return {
      code: 'invalid_cron',
      message: `\`${pattern}\` is no cron pattern: ${error instanceof Error ? error.message : ''}`,
      remedy: `Write minute, hour, day of month, month, day of week: ${quote('0 2 * * 1-5')}.`,
    };
  }
}

const MINUTE = /^[1-5]?\d$/;
const HOUR = /^(?:\*|1?\d|2[0-3])$/;
const WEEKDAYS = /^(?:\*|[0-7](?:,[0-7])*|0-[1-6]|1-[2-6])$/;

/**
 * Whether a pattern is one minute of an hour or of every hour, on days of the week, as nearly all are: those are
 * right as they stand. To ask croner was a tenth of a warm load, and a start would have to load it.
 */
function isOnceAnHour(fields: readonly string[]): boolean {
  const [minute = '', hour = '', day, month, weekdays = ''] = fields;
  return (
    fields.length === 5 &&
    MINUTE.test(minute) &&
    HOUR.test(hour) &&
    day === '*' &&
    month === '*' &&
    WEEKDAYS.test(weekdays)
  );
}

function checkDay(day: string, now: Date | undefined): Finding | undefined {
  if (parseLocalDay(day) === undefined) {
    return {
      code: 'invalid_date',
      message: `\`${day}\` is no day of the calendar.`,
      remedy: 'Write it as 2027-03-01.',
    };
  }
  return now !== undefined && Date.parse(`${day}T23:59:59Z`) < now.getTime() - 14 * 3_600_000
    ? {
        severity: 'warning',
        code: 'date_passed',
        message: `${day} has passed: this schedule does not run any more.`,
        remedy: 'Remove the schedule, or give it a later day.',
      }
    : undefined;
}

/** Those on the runtime's list that were asked for: to make the list costs 130 µs, which each file would pay. */
const LISTED = new Set(['UTC']);

/** The list first: to make a formatter costs 15 ms in a fresh process, to list 2. Aliases are not on it. */
function isZone(zone: string): boolean {
  if (LISTED.has(zone)) {
    return true;
  }
  if (Intl.supportedValuesOf('timeZone').includes(zone)) {
    LISTED.add(zone);
    return true;
  }
  try {
    return Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
