import { isObject } from './params.ts';

const COPIED = ['type', 'enum', 'minimum', 'maximum'] as const;

/**
 * The part of a schema that can be relied on: names, types, enums. What is required is the server's business (it
 * answers 400), and where an array is wanted GitLab also takes a text with commas.
 */
export function loosen(
  schema: unknown,
  definitions: Readonly<Record<string, unknown>>,
  depth = 0,
): Record<string, unknown> {
  if (!isObject(schema) || depth > 4) {
    return {};
  }
  const reference = schema['$ref'];
  if (typeof reference === 'string') {
    return loosen(definitions[reference.split('/').at(-1) ?? ''], definitions, depth + 1);
  }
  if (schema['type'] === 'array') {
    const items = loosen(schema['items'], definitions, depth + 1);
    return { anyOf: [{ type: 'array', items }, { type: 'string' }] };
  }
  const loose: Record<string, unknown> = {};
  for (const name of COPIED) {
    if (schema[name] !== undefined && schema[name] !== '') {
      loose[name] = schema[name];
    }
  }
  const properties = schema['properties'];
  if (isObject(properties)) {
    loose['properties'] = Object.fromEntries(
      Object.entries(properties).map(([name, one]) => [name, loosen(one, definitions, depth + 1)]),
    );
  }
  return loose;
}

/** The document knows no null: an absent value is as good as one. */
export function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(withoutNulls);
  }
  return isObject(value)
    ? Object.fromEntries(
        Object.entries(value)
          .filter(([, one]) => one !== null)
          .map(([name, one]) => [name, withoutNulls(one)]),
      )
    : value;
}
