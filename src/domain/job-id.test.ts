import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { formatGateId, formatJobId, parseGateId, parseJobId, parseJobOrGateId } from './job-id.ts';

test('ids read back as what they were', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 999_999_999_999_999 }), (id) => {
      expect(parseJobId(formatJobId(id))).toBe(id);
      expect(parseGateId(formatGateId(id))).toBe(id);
      expect(parseJobOrGateId(formatGateId(id))).toEqual({ kind: 'gate', id });
      expect(parseJobOrGateId(formatJobId(id))).toEqual({ kind: 'job', id });
    }),
  );
});

test.each([
  '',
  'j_',
  'j_0',
  'j_01',
  'j_-1',
  'j_1.5',
  'J_1',
  'g_1',
  'j_99999999999999999999',
  'j_1000000000000000',
  ' j_1',
])('%j is no job id and the error says how one looks', (text) => {
  expect(() => parseJobId(text)).toThrow(
    expect.objectContaining({ code: 'USAGE', remedy: expect.stringContaining('j_123') }),
  );
});

test('a bare number gets the id that was probably meant', () => {
  expect(() => parseGateId('12')).toThrow(
    expect.objectContaining({ remedy: 'Did you mean g_12?' }),
  );
});
