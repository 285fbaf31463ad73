import assert from 'node:assert/strict';
import { test } from 'node:test';

import { findGaps, formatNumber, nextNumber, parseNumber } from '../src/numbering.js';

test('a number is a year and a serial', () => {
  assert.deepEqual(parseNumber('2026-0042'), { year: 2026, serial: 42 });
  assert.equal(formatNumber({ year: 2026, serial: 42 }), '2026-0042');
  assert.equal(formatNumber({ year: 2026, serial: 12345 }), '2026-12345');
});

test('what is not a number is refused', () => {
  assert.throws(() => parseNumber('INV-7'), TypeError);
  assert.throws(() => parseNumber('2026-7'), TypeError);
});

test('the next number follows the highest, not the last written', () => {
  assert.equal(nextNumber(['2026-0007', '2026-0009', '2026-0008'], 2026), '2026-0010');
});

test('a new year begins at one', () => {
  assert.equal(nextNumber(['2025-0199'], 2026), '2026-0001');
  assert.equal(nextNumber([], 2026), '2026-0001');
});

test('gaps are found in any order', () => {
  const existing = ['2026-0010', '2026-0002', '2026-0005', '2026-0004', '2025-0009'];
  const expected = ['2026-0003', '2026-0006', '2026-0007', '2026-0008', '2026-0009'];
  assert.deepEqual(findGaps(existing, 2026), expected);
});

test('a year without gaps has none', () => {
  assert.deepEqual(findGaps(['2026-0001', '2026-0002'], 2026), []);
  assert.deepEqual(findGaps([], 2026), []);
});
