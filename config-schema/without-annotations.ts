import type { Schema } from './schemas.ts';
import { isSchema, KEYWORDS } from './schemas.ts';

const ANNOTATIONS = new Set(['title', 'description', 'default', 'examples', ...KEYWORDS]);
/** Their members have names of the document, which may well be called `title` or `default`. */
const NAMED = new Set(['properties', 'patternProperties', 'definitions']);

/**
 * A schema with only what decides. The compiled validators carry their schema along, and every command that
 * reads a file reads that: without what people are told, it is a third as long.
 */
export function withoutAnnotations(schema: Schema): Schema {
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([keyword]) => !ANNOTATIONS.has(keyword))
      .map(([keyword, value]) => [keyword, NAMED.has(keyword) ? eachOf(value) : inner(value)]),
  );
}

function eachOf(value: unknown): unknown {
  return isSchema(value)
    ? Object.fromEntries(Object.entries(value).map(([name, schema]) => [name, inner(schema)]))
    : value;
}

function inner(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(inner);
  }
  return isSchema(value) ? withoutAnnotations(value) : value;
}
