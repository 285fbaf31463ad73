import { isJsonObject } from '../domain/canonical-json.ts';
import type { SchemaNode } from './schema-tree.ts';

/** What a bound asks for, after the key's name. */
export function rangeText(keyword: string, limit: unknown): string {
  const texts: Record<string, string> = {
    minimum: `must be at least ${String(limit)}`,
    maximum: `must be at most ${String(limit)}`,
    minLength: 'must not be empty',
    maxLength: `may hold at most ${String(limit)} characters`,
    minItems: 'must not be an empty list',
    maxItems: `may hold at most ${String(limit)} entries`,
    minProperties: 'must not be empty',
    maxProperties: `may hold at most ${String(limit)} keys`,
  };
  return texts[keyword] ?? `breaks the rule \`${keyword}\``;
}

const TYPES: Readonly<Record<string, string>> = {
  object: 'a mapping',
  array: 'a list',
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  null: 'null',
};

/** A JSON type in words. */
export function typeText(type: string): string {
  return TYPES[type] ?? type;
}

export function typeOf(value: unknown): string {
  return Array.isArray(value) ? 'array' : typeof value;
}

export function exampleOfType(type: string | undefined): unknown {
  return { object: {}, array: [], boolean: true, integer: 1, number: 1 }[type ?? ''] ?? 'text';
}

/** An example of a key, as it would stand in a file. */
export function exampleOf(schema: SchemaNode, key: string): string {
  const properties = schema['properties'];
  const property = isJsonObject(properties) ? properties[key] : undefined;
  const example = isJsonObject(property) ? asArray(property['examples'])[0] : undefined;
  return typeof example === 'string' && !/[*:#]/.test(example)
    ? example
    : JSON.stringify(example ?? '…');
}

export function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function asTexts(value: unknown): string[] {
  return asArray(value).map(String);
}
