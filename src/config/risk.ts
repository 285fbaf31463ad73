import { isJsonObject } from '../domain/canonical-json.ts';
import type { Risk, RiskOf } from '../domain/plan-paths.ts';
import { schemaOf } from './schema-tree.ts';
import type { SchemaNode } from './schema-tree.ts';

/** What a resolved property is called in the file, where that is more than its name with underscores. */
const FILE_KEYS: Readonly<Record<string, readonly string[]>> = {
  microUsd: ['usd'],
  jobMicroUsd: ['job', 'usd'],
  jobTokens: ['job', 'tokens'],
  maxPatchBytes: ['max_patch'],
  memoryBytes: ['memory'],
  events: ['event'],
};

/**
 * Says of a changed property whether it loosens: may the agents do, spend or reach more than before, or is less
 * asked of people? Follows `x-risk` of the schema; what the schema does not know loosens.
 *
 * @param path as the resolved objects have it: `agents.builder.limits.microUsd`
 */
export const riskOf: RiskOf = (path, before, after) => {
  if (path.endsWith('.protectedPaths')) {
    // The policy's, and no key of the file: where it names none, nothing more is protected.
    return judge('removed', { before: before ?? [], after: after ?? [], schema: {} });
  }
  const steps = toFilePath(path);
  const schema = schemaOf('autodev.schema.json', steps);
  if (schema === undefined) {
    return 'loosens';
  }
  const [section] = steps;
  const isWhole = steps.length === 2 && (before === undefined || after === undefined);
  const risk = isWhole
    ? schemaOf('autodev.schema.json', steps.slice(0, 1))?.['x-risk']
    : schema['x-risk'];
  if (isWhole && section === 'agents') {
    return after === undefined ? 'tightens' : 'loosens';
  }
  return judge(risk, { before, after, schema });
};

interface Change {
  readonly before: unknown;
  readonly after: unknown;
  readonly schema: SchemaNode;
}

function judge(risk: unknown, change: Change): Risk {
  switch (risk) {
    case 'none':
      return 'neutral';
    case 'higher':
      return byRank(change, 'loosens', 'tightens');
    case 'lower':
      return byRank(change, 'tightens', 'loosens');
    case 'added':
      return byMembers(change, 'loosens', 'tightens');
    case 'removed':
      return byMembers(change, 'tightens', 'loosens');
    default:
      return 'loosens';
  }
}

/** A value that is gone or new has no rank: no limit is above every limit. */
function byRank({ before, after, schema }: Change, up: Risk, down: Risk): Risk {
  const from = rank(before, schema);
  const to = rank(after, schema);
  if (before === undefined || after === undefined) {
    // A limit that goes away frees; one that comes binds.
    return after === undefined ? up : down;
  }
  if (from === undefined || to === undefined) {
    return 'loosens';
  }
  return to > from ? up : down;
}

function rank(value: unknown, schema: SchemaNode): number | undefined {
  if (typeof value === 'number') {
    return value;
  }
  if (typeof value === 'boolean') {
    return value ? 1 : 0;
  }
  const order = [schema['x-order'], schema['enum']].find((list) => Array.isArray(list));
  const position = Array.isArray(order) ? order.indexOf(value) : -1;
  return position === -1 ? undefined : position;
}

/**
 * A list or mapping from which something went and to which something came is both; that loosens. An absent list
 * is not an empty one (`paths` absent: every path), so its coming or going is judged the other way round.
 */
function byMembers({ before, after }: Change, added: Risk, removed: Risk): Risk {
  const from = members(before);
  const to = members(after);
  if (from === undefined || to === undefined) {
    const isContainer = isJsonObject(before ?? after);
    const comes = isContainer ? added : removed;
    const goes = isContainer ? removed : added;
    return after === undefined ? goes : comes;
  }
  const plus = to.some((member) => !from.includes(member));
  const minus = from.some((member) => !to.includes(member));
  if (plus && minus) {
    return 'loosens';
  }
  return plus ? added : minus ? removed : 'neutral';
}

function members(value: unknown): string[] | undefined {
  if (Array.isArray(value)) {
    return value.map((item) => JSON.stringify(item));
  }
  return isJsonObject(value) ? Object.keys(value) : undefined;
}

/** A resolved schedule carries the zone that the file states once. */
function toFilePath(path: string): string[] {
  const steps = path === '' ? [] : path.split('.');
  return steps[0] === 'schedules' && steps[2] === 'timezone'
    ? ['timezone']
    : steps.flatMap((step, i) => (i === 1 ? step : toFileKeys(step)));
}

function toFileKeys(step: string): readonly string[] {
  return (
    FILE_KEYS[step] ?? [
      step.replace(/Ms$/, '').replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    ]
  );
}
