import { parseQuantity } from './quantity.ts';
import type { QuantityKind } from './quantity.ts';

/** A quantity that the schema and `checkQuantities` have seen; undefined where the file does not say it. */
export function amount(kind: QuantityKind, value: string | number | undefined): number | undefined {
  return value === undefined ? undefined : parseQuantity(kind, value);
}
