/**
 * How far the clocks of an IANA zone are ahead of UTC at an instant, in milliseconds. Injected wherever local
 * time is computed, so that one process keeps one set of formatters.
 */
export type ZoneOffset = (at: number, zone: string) => number;

/**
 * A `ZoneOffset` on the time zone data of the runtime. It keeps one formatter per zone: making one costs
 * about as much as a hundred uses of it.
 *
 * @throws RangeError (from the returned function) for a zone that the runtime does not know
 */
export function createZoneOffset(): ZoneOffset {
  const formatters = new Map<string, Intl.DateTimeFormat>();

  return (at, zone) => {
    const formatter = formatters.get(zone) ?? wallClock(zone);
    formatters.set(zone, formatter);

    const parts: Record<string, number> = {};
    for (const { type, value } of formatter.formatToParts(at)) {
      parts[type] = Number(value);
    }
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
    const wall = Date.UTC(year, month - 1, day, hour, minute, second);
    return wall - Math.floor(at / 1000) * 1000;
  };
}

function wallClock(zone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
}
