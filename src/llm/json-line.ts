import { isJsonObject } from '../domain/canonical-json.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

/** A line's JSON object; undefined for anything else, however broken. */
export function parseObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** A member that is an object; an empty one where it is anything else. */
export function objectAt(object: JsonObject, key: string): JsonObject {
  const value = object[key];
  return isJsonObject(value) ? value : {};
}

/** The objects of a member that is a list; none where it is anything else. */
export function objectsAt(object: JsonObject, key: string): readonly JsonObject[] {
  const value = object[key];
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

export function textAt(object: JsonObject, key: string): string | undefined {
  const value = object[key];
  return typeof value === 'string' ? value : undefined;
}

/** A count: zero for what is no number, negative or not finite. */
export function countAt(object: JsonObject, key: string): number {
  const value = object[key];
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? Math.trunc(value) : 0;
}

const SESSION_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** A session's id, which becomes an argument and a part of a file's name: nothing but a UUID is one. */
export function sessionIdAt(object: JsonObject, key: string): string | undefined {
  const value = textAt(object, key);
  return value !== undefined && SESSION_ID.test(value) ? value : undefined;
}
