import type { CustomTypesConfig } from 'pg';
import { types } from 'pg';

const OID = { int8: 20, int8Array: 1016, date: 1082, numeric: 1700 } as const;

/**
 * How column values become JavaScript values: `bigint` and `numeric` numbers, `date` the text
 * `YYYY-MM-DD` (a Date would need a time zone that a date has not), the rest as `pg` does it:
 * `timestamptz` a Date, `json` and `jsonb` parsed, `bytea` a Buffer.
 */
export const valueParsers: CustomTypesConfig = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    if (format === 'binary') {
      return byDefault(oid, 'binary');
    }
    switch (oid) {
      case OID.int8:
        return parseBigint;
      case OID.int8Array:
        return arrayOf(oid, parseBigint);
      case OID.numeric:
        return Number;
      case OID.date:
        return (text: string) => text;
      default:
        return byDefault(oid, 'text');
    }
  },
};

/** @throws {RangeError} when the value has no exact number: silently wrong ids would be worse. */
function parseBigint(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) {
    throw new RangeError(`bigint ${text} has no exact JavaScript number; select it as text`);
  }
  return value;
}

/** An array of any depth: `pg` splits it, we parse the leaves. */
function arrayOf(oid: number, parse: (text: string) => number): (text: string) => unknown {
  const split: (text: string) => unknown = byDefault(oid, 'text');
  const walk = (value: unknown): unknown => {
    if (Array.isArray(value)) {
      return value.map(walk);
    }
    return typeof value === 'string' ? parse(value) : null;
  };
  return (text) => walk(split(text));
}

/** `pg` types the object ids that it knows as an enum; any number is fine. */
const byDefault: (oid: number, format: 'text' | 'binary') => (text: string) => unknown =
  types.getTypeParser;
