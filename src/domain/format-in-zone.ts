import type { ZoneOffset } from './zone-offset.ts';

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const;
const MINUTE_MS = 60_000;

/**
 * A time as the clocks of a zone show it, to the minute, with the zone's offset at that time:
 * `Mon 2026-11-23 02:30 -08:00 America/Los_Angeles`. For people; machines get RFC 3339 in UTC.
 *
 * @param at epoch milliseconds
 * @throws RangeError for a zone that the runtime does not know
 */
export function formatInZone(deps: { zoneOffset: ZoneOffset }, at: number, zone: string): string {
  return `${formatWithOffset(deps, at, zone)} ${zone}`;
}

/** The same without the zone's name, for lists of times in one zone. */
export function formatWithOffset(
  { zoneOffset }: { zoneOffset: ZoneOffset },
  at: number,
  zone: string,
): string {
  const offsetMs = zoneOffset(at, zone);
  const wall = new Date(at + offsetMs);
  const [date = '', time = ''] = wall.toISOString().split('T');
  return `${DAYS[wall.getUTCDay()]} ${date} ${time.slice(0, 5)} ${offsetText(offsetMs)}`;
}

/** `+05:30`; offsets of long ago have seconds, which nobody schedules by. */
function offsetText(offsetMs: number): string {
  const minutes = Math.round(Math.abs(offsetMs) / MINUTE_MS);
  const pad = (count: number): string => String(count).padStart(2, '0');
  return `${offsetMs < 0 ? '-' : '+'}${pad(Math.floor(minutes / 60))}:${pad(minutes % 60)}`;
}
