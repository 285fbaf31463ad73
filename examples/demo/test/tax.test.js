import assert from 'node:assert/strict';
import { test } from 'node:test';

import { rateOf, taxOn, taxSummary, taxWithin } from '../src/tax.js';

test('every category has its rate', () => {
  assert.deepEqual(['standard', 'reduced', 'zero'].map(rateOf), [20, 5, 0]);
});

test('an unknown category is refused by name', () => {
  assert.throws(() => rateOf('luxury'), /no tax rate for luxury/);
});

test('tax is added on top of a net amount', () => {
  assert.equal(taxOn(10000, 'standard'), 2000);
  assert.equal(taxOn(10000, 'reduced'), 500);
  assert.equal(taxOn(10000, 'zero'), 0);
});

test('tax within a gross amount is what was added to the net one', () => {
  assert.equal(taxWithin(12000, 'standard'), 2000);
  assert.equal(taxWithin(10500, 'reduced'), 500);
  assert.equal(taxWithin(10000, 'zero'), 0);
});

test('the summary has one row per category, highest rate first', () => {
  const rows = taxSummary([
    { category: 'zero', net: 300 },
    { category: 'standard', net: 1000 },
    { category: 'reduced', net: 200 },
    { category: 'standard', net: 500 },
  ]);

  assert.deepEqual(rows, [
    { category: 'standard', net: 1500, tax: 300 },
    { category: 'reduced', net: 200, tax: 10 },
    { category: 'zero', net: 300, tax: 0 },
  ]);
});

test('the summary rounds per category, not per line', () => {
  const rows = taxSummary(Array.from({ length: 4 }, () => ({ category: 'reduced', net: 9 })));
  assert.deepEqual(rows, [{ category: 'reduced', net: 36, tax: 2 }]);
});
