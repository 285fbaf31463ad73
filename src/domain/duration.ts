const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
] as const;

/**
 * A duration for people, in its two largest units: `3 m 12 s`, `2 d 4 h`. Below ten seconds with one decimal,
 * below a second in milliseconds. Negative durations count as none.
 */
export function formatDuration(ms: number): string {
  const whole = Math.max(0, Math.round(ms));
  if (whole < 1000) {
    return `${whole} ms`;
  }
  if (whole < 9950) {
    return `${(whole / 1000).toFixed(1).replace(/\.0$/u, '')} s`;
  }

  const seconds = Math.round(whole / 1000) * 1000;
  const first = UNITS.findIndex(([, unitMs]) => seconds >= unitMs);
  let rest = seconds;
  const parts: string[] = [];
  for (const [name, unitMs] of UNITS.slice(first, first + 2)) {
    const count = Math.floor(rest / unitMs);
    rest -= count * unitMs;
    if (count > 0) {
      parts.push(`${count} ${name}`);
    }
  }
  return parts.join(' ');
}
