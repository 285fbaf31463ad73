import { isJsonObject } from '../domain/canonical-json.ts';
import type { Diagnostic, DocumentPath } from './diagnostics.ts';
import { parseQuantity, quantityRemedy } from './quantity.ts';
import type { QuantityKind } from './quantity.ts';
import type { SourceDocument } from './source-document.ts';

/** Where the values of a document are quantities; generated from `x-quantity`, `x-min` and `x-max` of its schema. */
export interface QuantityTree {
  readonly kind?: QuantityKind;
  readonly min?: QuantityBound;
  readonly max?: QuantityBound;
  readonly properties?: Readonly<Record<string, QuantityTree>>;
  /** Under any other key of a mapping. */
  readonly rest?: QuantityTree;
  /** In each place of a list. */
  readonly items?: QuantityTree;
}

interface QuantityBound {
  /** As people write it. */
  readonly written: string;
  readonly amount: number;
}

/** Every quantity of a document that fits its schema: readable, exact, and between its bounds. */
export function checkQuantities(document: SourceDocument, tree: QuantityTree): Diagnostic[] {
  const found: Diagnostic[] = [];
  const path: (string | number)[] = [];

  const walk = (
    value: unknown,
    { kind, min, max, properties, rest, items }: QuantityTree,
  ): void => {
    const below = (key: string | number, child: unknown, childTree: QuantityTree): void => {
      path.push(key);
      walk(child, childTree);
      path.pop();
    };
    if (Array.isArray(value)) {
      if (items !== undefined) {
        value.forEach((item, i) => below(i, item, items));
      }
    } else if (isJsonObject(value)) {
      for (const key of properties || rest ? Object.keys(value) : []) {
        const childTree = properties && Object.hasOwn(properties, key) ? properties[key] : rest;
        if (childTree !== undefined) {
          below(key, value[key], childTree);
        }
      }
    } else if (kind !== undefined && (typeof value === 'string' || typeof value === 'number')) {
      const diagnostic = checkQuantity(document, { kind, min, max, value, path });
      if (diagnostic !== undefined) {
        found.push(diagnostic);
      }
    }
  };

  walk(document.value, tree);
  return found;
}

interface Quantity {
  readonly kind: QuantityKind;
  readonly min: QuantityBound | undefined;
  readonly max: QuantityBound | undefined;
  readonly value: string | number;
  readonly path: DocumentPath;
}

function checkQuantity(
  document: SourceDocument,
  { kind, min, max, value, path }: Quantity,
): Diagnostic | undefined {
  const amount = parseQuantity(kind, value);
  if (amount === undefined) {
    return document.diagnose(path, {
      code: 'invalid_quantity',
      message: `\`${value}\` cannot be read.`,
      remedy: quantityRemedy(kind),
    });
  }
  const isLow = min !== undefined && amount < min.amount;
  const isHigh = max !== undefined && amount > max.amount;
  const limit = isLow ? min.written : isHigh ? max.written : undefined;
  if (limit === undefined) {
    return undefined;
  }
  return document.diagnose(path, {
    code: 'out_of_range',
    message: `\`${path.at(-1)}\` must be at ${isLow ? 'least' : 'most'} ${limit}.`,
    remedy: `Give it a value of ${limit} or ${isLow ? 'more' : 'less'}.`,
    corrected: { replace: document.sourceOf(path) ?? String(value), by: limit },
  });
}
