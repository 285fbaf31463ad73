import { isJsonObject } from '../domain/canonical-json.ts';
import type { Diagnostic, DocumentPath } from './diagnostics.ts';
import { parseQuantity, quantityHint } from './quantity.ts';
import type { QuantityKind } from './quantity.ts';
import { childSchema, rootSchema } from './schema-tree.ts';
import type { SchemaName, SchemaNode } from './schema-tree.ts';
import { capital } from './schema-words.ts';
import type { SourceDocument } from './source-document.ts';

const KINDS: readonly QuantityKind[] = ['tokens', 'usd', 'duration', 'bytes', 'percent'];

/** Every quantity of a document that fits its schema: readable, exact, and between `x-min` and `x-max`. */
export function checkQuantities(document: SourceDocument, root: SchemaName): Diagnostic[] {
  const found: Diagnostic[] = [];

  const walk = (value: unknown, schema: SchemaNode, path: DocumentPath): void => {
    const children: [string | number, unknown][] = Array.isArray(value)
      ? value.map((item, i) => [i, item])
      : isJsonObject(value)
        ? Object.entries(value)
        : [];
    for (const [key, child] of children) {
      const childOf = childSchema(root, schema, key);
      if (childOf !== undefined) {
        walk(child, childOf, [...path, key]);
      }
    }
    const kind = KINDS.find((name) => name === schema['x-quantity']);
    if (kind !== undefined && (typeof value === 'string' || typeof value === 'number')) {
      found.push(...checkQuantity(document, { kind, schema, value, path }));
    }
  };

  walk(document.value, rootSchema(root), []);
  return found;
}

function checkQuantity(
  document: SourceDocument,
  {
    kind,
    schema,
    value,
    path,
  }: { kind: QuantityKind; schema: SchemaNode; value: string | number; path: DocumentPath },
): Diagnostic[] {
  const amount = parseQuantity(kind, value);
  if (amount === undefined) {
    return [
      document.diagnose(path, {
        code: 'invalid_quantity',
        message: `\`${value}\` cannot be read.`,
        remedy: `${capital(quantityHint(kind))}.`,
      }),
    ];
  }
  const bound = (['x-min', 'x-max'] as const).find((key) => {
    const limit = asAmount(kind, schema[key]);
    return limit !== undefined && (key === 'x-min' ? amount < limit : amount > limit);
  });
  if (bound === undefined) {
    return [];
  }
  const limit = String(schema[bound]);
  return [
    document.diagnose(path, {
      code: 'out_of_range',
      message: `\`${path.at(-1)}\` must be at ${bound === 'x-min' ? 'least' : 'most'} ${limit}.`,
      remedy: `Give it a value of ${limit} or ${bound === 'x-min' ? 'more' : 'less'}.`,
      corrected: { replace: document.sourceOf(path) ?? String(value), by: limit },
    }),
  ];
}

function asAmount(kind: QuantityKind, limit: unknown): number | undefined {
  return typeof limit === 'string' || typeof limit === 'number'
    ? parseQuantity(kind, limit)
    : undefined;
}
