import assert from 'node:assert/strict';
import { test } from 'node:test';

import { allocate, formatMoney, parseMoney, percent, roundHalfEven, sum } from '../src/money.js';

test('parseMoney reads whole and broken amounts', () => {
  assert.equal(parseMoney('12'), 1200);
  assert.equal(parseMoney('12.5'), 1250);
  assert.equal(parseMoney('$1,234.56'), 123456);
  assert.equal(parseMoney(' 0.07 '), 7);
  assert.equal(parseMoney('-3.20'), -320);
});

test('parseMoney refuses what is not an amount', () => {
  for (const text of ['', 'ten', '1.234', '12,34', '--1']) {
    assert.throws(() => parseMoney(text), TypeError);
  }
});

test('formatMoney groups thousands and keeps two digits', () => {
  assert.equal(formatMoney(0), '$0.00');
  assert.equal(formatMoney(7), '$0.07');
  assert.equal(formatMoney(123456789), '$1,234,567.89');
  assert.equal(formatMoney(-320), '-$3.20');
});

test('formatMoney and parseMoney undo each other', () => {
  for (const cents of [0, 1, 99, 100, 123456, 100000000]) {
    assert.equal(parseMoney(formatMoney(cents)), cents);
  }
});

test('roundHalfEven sends halves to the even neighbour', () => {
  assert.deepEqual([0.5, 1.5, 2.5, 3.5].map(roundHalfEven), [0, 2, 2, 4]);
});

test('roundHalfEven sends everything else to the nearest', () => {
  assert.deepEqual([1.2, 1.49, 1.51, 2, 2.9].map(roundHalfEven), [1, 1, 2, 2, 3]);
});

test('percent rounds once, to the cent', () => {
  assert.equal(percent(1000, 20), 200);
  assert.equal(percent(999, 5), 50);
  assert.equal(percent(250, 5), 12);
  assert.equal(percent(0, 20), 0);
});

test('sum of nothing is zero', () => {
  assert.equal(sum([]), 0);
  assert.equal(sum([1, 2, 3]), 6);
});

test('allocate loses no cent', () => {
  assert.deepEqual(allocate(100, [1, 1, 1]), [34, 33, 33]);
  assert.deepEqual(allocate(5, [3, 7]), [2, 3]);
  assert.equal(sum(allocate(1001, [3, 3, 5, 7])), 1001);
});

test('allocate gives the odd cent to the largest remainder', () => {
  assert.deepEqual(allocate(10, [1, 3, 8]), [1, 2, 7]);
  assert.deepEqual(allocate(10, [5, 5, 20]), [2, 2, 6]);
});

test('allocate gives nothing to a weight of zero', () => {
  assert.deepEqual(allocate(99, [0, 1]), [0, 99]);
});

test('allocate refuses weights without weight', () => {
  assert.throws(() => allocate(10, [0, 0]), RangeError);
});
