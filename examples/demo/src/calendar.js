/** Days are ISO strings (`2026-03-31`) in no zone at all: an invoice is due on a date, not at an instant. */

const DAY_MS = 24 * 60 * 60 * 1000;

function toMs(day) {
  const ms = Date.parse(`${day}T00:00:00Z`);
  if (Number.isNaN(ms) || toDay(ms) !== day) {
    throw new TypeError(`not a day: ${day}`);
  }
  return ms;
}

function toDay(ms) {
  return new Date(ms).toISOString().slice(0, 10);
}

export function addDays(day, count) {
  return toDay(toMs(day) + count * DAY_MS);
}

/** Whole days from `from` to `to`; negative when `to` is earlier. */
export function daysBetween(from, to) {
  return Math.round((toMs(to) - toMs(from)) / DAY_MS);
}

export function isLeapYear(year) {
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
}

export function daysInMonth(year, month) {
  if (month === 2) {
    return isLeapYear(year) ? 29 : 28;
  }
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

/** January 31 plus one month is the last day of February. */
export function addMonths(day, count) {
  const [year, month, date] = day.split('-').map(Number);
  const months = year * 12 + (month - 1) + count;
  const newYear = Math.floor(months / 12);
  const newMonth = (months % 12) + 1;
  const newDate = Math.min(date, daysInMonth(newYear, newMonth));
  return [newYear, pad(newMonth), pad(newDate)].join('-');
}

export function endOfMonth(day) {
  const [year, month] = day.split('-').map(Number);
  return [year, pad(month), daysInMonth(year, month)].join('-');
}

export function isWeekend(day) {
  const weekday = new Date(toMs(day)).getUTCDay();
  return weekday === 0 || weekday === 6;
}

/** The day itself when it is a working day, else the first one after it. */
export function nextBusinessDay(day, holidays = []) {
  let next = day;
  while (isWeekend(next) || holidays.includes(next)) {
    next = addDays(next, 1);
  }
  return next;
}

function pad(number) {
  return String(number).padStart(2, '0');
}
