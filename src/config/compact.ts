/** An object without its undefined members; the type says that those left are there. */
export type Compact<T> = string extends keyof T
  ? { [K in keyof T]: Exclude<T[K], undefined> }
  : { [K in keyof T]?: Exclude<T[K], undefined> };

/**
 * Leaves out what is undefined. A resolved configuration is hashed and stored as JSON, where an absent key and
 * an undefined one must be the same.
 */
export function compact<T extends object>(object: T): Compact<T>;
export function compact(object: object): object {
  const compacted: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(object)) {
    if (value !== undefined) {
      compacted[key] = value;
    }
  }
  return compacted;
}
