import { badParameter } from './problem.ts';

/** Query and body of a request in one, as Grape hands them to GitLab's endpoints. */
export interface Params {
  /** The names that were sent, without brackets; for the contract. */
  readonly values: Readonly<Record<string, unknown>>;
  has(name: string): boolean;
  text(name: string): string | undefined;
  requiredText(name: string): string;
  oneOf<T extends string>(name: string, allowed: readonly T[]): T | undefined;
  integer(name: string): number | undefined;
  flag(name: string): boolean | undefined;
  /** An array, or a text with commas. */
  list(name: string): string[] | undefined;
  integers(name: string): number[] | undefined;
  time(name: string): Date | undefined;
  /** The objects of an array of objects. */
  objects(name: string): Params[] | undefined;
  nested(name: string): Params | undefined;
}

export function createParams(values: Readonly<Record<string, unknown>>): Params {
  const text = (name: string): string | undefined => {
    const value = values[name];
    if (value === undefined || value === null) {
      return undefined;
    }
    if (typeof value === 'string') {
      return value;
    }
    if (typeof value === 'number' || typeof value === 'boolean') {
      return String(value);
    }
    throw badParameter(name, 'invalid');
  };
  const list = (name: string): string[] | undefined => {
    const value = values[name];
    if (Array.isArray(value)) {
      return value.map(String).filter((item) => item !== '');
    }
    return text(name)
      ?.split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '');
  };

  return {
    values,
    text,
    list,
    has: (name) => values[name] !== undefined,
    requiredText(name) {
      const value = text(name);
      if (value === undefined) {
        throw badParameter(name, 'missing');
      }
      return value;
    },
    oneOf(name, allowed) {
      const value = text(name);
      const known = allowed.find((item) => item === value);
      if (value !== undefined && known === undefined) {
        throw badParameter(name, 'no value');
      }
      return known;
    },
    integer: (name) => asInteger(name, text(name)),
    integers: (name) =>
      list(name)?.flatMap((item) => {
        const value = asInteger(name, item);
        return value === undefined ? [] : [value];
      }),
    flag(name) {
      const value = text(name);
      if (value === undefined || value === '') {
        return undefined;
      }
      if (!/^(true|false|t|f|1|0)$/i.test(value)) {
        throw badParameter(name, 'invalid');
      }
      return /^(true|t|1)$/i.test(value);
    },
    time(name) {
      const value = text(name);
      const time = value === undefined ? undefined : new Date(value);
      if (time && Number.isNaN(time.getTime())) {
        throw badParameter(name, 'invalid');
      }
      return time;
    },
    objects(name) {
      const value = values[name];
      if (value === undefined) {
        return undefined;
      }
      if (!Array.isArray(value) || !value.every(isObject)) {
        throw badParameter(name, 'invalid');
      }
      return value.map(createParams);
    },
    nested(name) {
      const value = values[name];
      return isObject(value) ? createParams(value) : undefined;
    },
  };
}

/** `a=1&b[]=2&b[]=3&c[d]=4` as `{a: '1', b: ['2', '3'], c: {d: '4'}}`. */
export function parsePairs(pairs: Iterable<[string, unknown]>): Record<string, unknown> {
  const lists = new Map<string, unknown[]>();
  const objects = new Map<string, Record<string, unknown>>();
  const plain: [string, unknown][] = [];
  for (const [key, value] of pairs) {
    const [, name, inner] = /^([^[]+)\[([^\]]*)\]$/.exec(key) ?? [];
    if (name === undefined || inner === undefined) {
      plain.push([key, value]);
    } else if (inner === '') {
      lists.set(name, [...(lists.get(name) ?? []), value]);
    } else {
      objects.set(name, { ...objects.get(name), [inner]: value });
    }
  }
  return Object.fromEntries([...plain, ...lists, ...objects]);
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function asInteger(name: string, value: string | undefined): number | undefined {
  if (value === undefined || value === '') {
    return undefined;
  }
  if (!/^-?\d+$/.test(value)) {
    throw badParameter(name, 'invalid');
  }
  return Number(value);
}
