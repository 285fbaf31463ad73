import { canonicalJson, isJsonObject } from './canonical-json.ts';

export type Risk = 'loosens' | 'tightens' | 'neutral';

/** Judges one change of a property: its path in the file with dots, and both values (undefined = absent). */
export type RiskOf = (path: string, before: unknown, after: unknown) => Risk;

export interface PathChange {
  /** Within the object, with dots: `limits.tokens`. */
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
  readonly risk: Risk;
}

/**
 * The properties in which two JSON values differ, sorted by path. Objects are entered; a list is one value,
 * because in a list the order means something and an item has no name to be known by.
 *
 * @param root where the values stand in the file; what `risk` is asked begins with it
 */
export function comparePaths(
  before: unknown,
  after: unknown,
  { root, risk }: { root: string; risk: RiskOf },
): PathChange[] {
  return differences(before, after, '').map((change) => ({
    ...change,
    risk: risk(join(root, change.path), change.before, change.after),
  }));
}

function differences(before: unknown, after: unknown, path: string): Omit<PathChange, 'risk'>[] {
  if (isJsonObject(before) && isJsonObject(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
    return keys.flatMap((key) => differences(own(before, key), own(after, key), join(path, key)));
  }
  return textOf(before) === textOf(after) ? [] : [{ path, before, after }];
}

/** A key may be called `toString`: what an object inherits is no member of it. */
function own(object: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function textOf(value: unknown): string | undefined {
  return value === undefined ? undefined : canonicalJson(value);
}

function join(head: string, tail: string): string {
  return head === '' || tail === '' ? head + tail : `${head}.${tail}`;
}
