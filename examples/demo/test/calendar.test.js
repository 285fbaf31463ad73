import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import {
  addDays,
  addMonths,
  daysBetween,
  daysInMonth,
  endOfMonth,
  isLeapYear,
  isWeekend,
  nextBusinessDay,
} from '../src/calendar.js';

describe('addDays', () => {
  it('crosses months and years', () => {
    assert.equal(addDays('2026-01-31', 1), '2026-02-01');
    assert.equal(addDays('2026-12-31', 1), '2027-01-01');
  });

  it('goes back with a negative count', () => {
    assert.equal(addDays('2026-03-01', -1), '2026-02-28');
  });

  it('refuses a day that no calendar has', () => {
    assert.throws(() => addDays('2026-02-30', 1), TypeError);
    assert.throws(() => addDays('soon', 1), TypeError);
  });
});

describe('daysBetween', () => {
  it('counts whole days forward', () => {
    assert.equal(daysBetween('2026-03-01', '2026-03-31'), 30);
  });

  it('is negative when the second day is earlier', () => {
    assert.equal(daysBetween('2026-03-31', '2026-03-30'), -1);
  });

  it('is zero on the same day', () => {
    assert.equal(daysBetween('2026-03-31', '2026-03-31'), 0);
  });
});

describe('isLeapYear', () => {
  it('follows the rules of 4, 100 and 400', () => {
    assert.equal(isLeapYear(2024), true);
    assert.equal(isLeapYear(2026), false);
    assert.equal(isLeapYear(1900), false);
    assert.equal(isLeapYear(2000), true);
  });
});

describe('daysInMonth', () => {
  it('knows February', () => {
    assert.equal(daysInMonth(2026, 2), 28);
    assert.equal(daysInMonth(2028, 2), 29);
  });

  it('knows the short and the long months', () => {
    const lengths = [1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12].map((month) => daysInMonth(2026, month));
    assert.deepEqual(lengths, [31, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]);
  });
});

describe('addMonths', () => {
  it('keeps the date where it can', () => {
    assert.equal(addMonths('2026-03-15', 1), '2026-04-15');
    assert.equal(addMonths('2026-03-15', 12), '2027-03-15');
  });

  it('stops at the end of a short month', () => {
    assert.equal(addMonths('2026-01-31', 1), '2026-02-28');
    assert.equal(addMonths('2026-03-31', 1), '2026-04-30');
  });

  it('crosses the year', () => {
    assert.equal(addMonths('2026-12-05', 1), '2027-01-05');
    assert.equal(addMonths('2026-11-05', 1), '2026-12-05');
  });
});

describe('endOfMonth', () => {
  it('is the last day, also when it is that day already', () => {
    assert.equal(endOfMonth('2026-02-03'), '2026-02-28');
    assert.equal(endOfMonth('2026-10-31'), '2026-10-31');
  });
});

describe('business days', () => {
  it('take Saturday and Sunday for the weekend', () => {
    const week = ['02', '03', '04', '05', '06', '07', '08'].map((date) => `2026-03-${date}`);
    assert.deepEqual(week.map(isWeekend), [false, false, false, false, false, true, true]);
  });

  it('move a weekend to Monday', () => {
    assert.equal(nextBusinessDay('2026-03-07'), '2026-03-09');
    assert.equal(nextBusinessDay('2026-03-09'), '2026-03-09');
  });

  it('skip holidays, also after a weekend', () => {
    assert.equal(nextBusinessDay('2026-03-07', ['2026-03-09']), '2026-03-10');
    assert.equal(nextBusinessDay('2026-12-25', ['2026-12-25']), '2026-12-28');
  });
});
