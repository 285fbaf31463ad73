import { isJsonObject } from '../../domain/canonical-json.ts';
import { Refusal } from './refusal.ts';

/** What was seen in a body on the way, for the estimate of its size in tokens. */
export interface Seen {
  /** Inline images, whose bytes say nothing about their tokens. */
  images: number;
  imageBytes: number;
}

/** Refuses a value that may not go out, or takes out of it, in place, what should not. */
export type Rule = (value: unknown, path: string, seen: Seen) => void;

/** Deeper than any conversation that is meant seriously. */
const MAX_DEPTH = 64;
const SHOWN_CHARACTERS = 60;

export const text: Rule = (value, path) => {
  if (typeof value !== 'string') {
    refuse(path, 'must be text');
  }
};

export const flag: Rule = (value, path) => {
  if (typeof value !== 'boolean') {
    refuse(path, 'must be true or false');
  }
};

export const number: Rule = (value, path) => {
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    refuse(path, 'must be a number');
  }
};

/** Data whose form is the caller's own and that no provider acts on: a tool's parameters, what it was called with. */
export const opaque: Rule = (value, path) => {
  if (isDeeperThan(value, MAX_DEPTH)) {
    refuse(path, `is nested deeper than ${MAX_DEPTH}`);
  }
};

export function nullable(rule: Rule): Rule {
  return (value, path, seen) => {
    if (value !== null) {
      rule(value, path, seen);
    }
  };
}

export function oneOf(...allowed: readonly (string | number | boolean)[]): Rule {
  return (value, path) => {
    if (!allowed.some((one) => one === value)) {
      refuse(path, `${shown(value)} is not allowed`);
    }
  };
}

/** Text, or what `rule` says. */
export function textOr(rule: Rule): Rule {
  return (value, path, seen) => {
    if (typeof value !== 'string') {
      rule(value, path, seen);
    }
  };
}

export function listOf(rule: Rule): Rule {
  return (value, path, seen) => {
    const items: readonly unknown[] = Array.isArray(value) ? value : refuse(path, 'must be a list');
    for (const [i, item] of items.entries()) {
      rule(item, `${path}[${i}]`, seen);
    }
  };
}

type Fields = Readonly<Record<string, Rule | 'drop'>>;

/** An object of these fields and no other; `drop` is taken out, whatever it holds. */
export function object(fields: Fields): Rule {
  const rules = new Map(Object.entries(fields));
  return (value, path, seen) => {
    const members = membersOf(value, path);
    for (const [name, member] of Object.entries(members)) {
      const rule = rules.get(name);
      const at = path === '' ? name : `${path}.${name}`;
      if (rule === undefined) {
        refuse(at, 'this field is not allowed');
      } else if (rule === 'drop') {
        Reflect.deleteProperty(members, name);
      } else {
        rule(member, at, seen);
      }
    }
  };
}

/** An object whose `type` says which fields it may have; `missing` is what one without a type is. */
export function byType(
  variants: Readonly<Record<string, Rule>>,
  { missing }: { missing?: string } = {},
): Rule {
  const rules = new Map(Object.entries(variants));
  return (value, path, seen) => {
    const { type = missing } = membersOf(value, path);
    const rule = typeof type === 'string' ? rules.get(type) : undefined;
    if (rule === undefined) {
      refuse(`${path}.type`, `${shown(type)} is not allowed`);
    } else {
      rule(value, path, seen);
    }
  };
}

/** The same rule, for what contains itself. */
export function lazy(rule: () => Rule): Rule {
  return (value, path, seen) => rule()(value, path, seen);
}

export function refuse(path: string, problem: string): never {
  throw new Refusal(400, `${path === '' ? 'the body' : path}: ${problem}`);
}

/** How a value stands in a message: short, on one line. */
export function shown(value: unknown): string {
  const json = JSON.stringify(value) ?? 'nothing';
  return json.length > SHOWN_CHARACTERS ? `${json.slice(0, SHOWN_CHARACTERS)}…` : json;
}

function membersOf(value: unknown, path: string): Readonly<Record<string, unknown>> {
  return isJsonObject(value) ? value : refuse(path, 'must be an object');
}

function isDeeperThan(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) {
    return false;
  }
  return depth === 0 || Object.values(value).some((member) => isDeeperThan(member, depth - 1));
}
