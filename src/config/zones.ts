import { suggestValue } from './suggest.ts';

const CITIES: Readonly<Record<string, string>> = {
  pst: 'America/Los_Angeles',
  pdt: 'America/Los_Angeles',
  edt: 'America/New_York',
  cst: 'America/Chicago',
  cest: 'Europe/Berlin',
  bst: 'Europe/London',
  ist: 'Asia/Kolkata',
  jst: 'Asia/Tokyo',
};

/** The zone that somebody meant: an abbreviation, a city alone, or another spelling. */
export function suggestZone(written: string): string | undefined {
  const zones = Intl.supportedValuesOf('timeZone');
  const city = written.toLowerCase().replaceAll(' ', '_');
  return (
    CITIES[city] ??
    zones.find((zone) => zone.toLowerCase().endsWith(`/${city}`)) ??
    suggestValue(written, zones)
  );
}
