import { isJsonObject } from '../domain/canonical-json.ts';
import { codeSpan } from '../domain/markdown.ts';
import type { PlannedChange } from './plan-document.ts';
import { fileKey, showValue } from './plan-values.ts';

type Kind = PlannedChange['kind'];

/** `schedule `nightly``, as a note names an object. */
export function objectName({ kind, key }: Pick<PlannedChange, 'kind' | 'key'>): string {
  return kind === 'repo' ? 'the repository' : `${kind.replace('_', ' ')} ${codeSpan(key)}`;
}

/** What an object that comes says, in a few words: what of its kind people ask about first. */
export function describeObject(kind: Kind, spec: unknown): string {
  const fields = isJsonObject(spec) ? spec : {};
  const code = (name: string): string[] => {
    const value = fields[name];
    return value === undefined || value === '' ? [] : [codeSpan(asText(name, value))];
  };
  switch (kind) {
    case 'schedule':
      return [...code('agent'), ...code('cron'), ...code('timezone')].join(' ');
    case 'trigger':
      return [...code('agent'), 'on', ...code('events'), 'from', ...code('from')].join(' ');
    case 'agent':
      return providersOf(fields['providers']);
    case 'budget':
      return [
        ...code('microUsd'),
        ...code('tokens'),
        'per',
        ...code('per'),
        'for',
        ...code('scope'),
      ]
        .join(' ')
        .trim();
    case 'approval':
      return [...code('approvals'), '×', ...code('role'), 'for', ...code('gate')].join(' ');
    case 'repo':
      return [...code('timezone'), ...code('mode')].join(' ');
    default:
      return kind satisfies never;
  }
}

/** One property that changes: `limits.usd` 3 → **5**. */
export function describePath({
  path,
  before,
  after,
  risk,
}: PlannedChange['paths'][number]): string {
  const mark = risk === 'loosens' ? ' ⚠' : '';
  return `${codeSpan(fileKey(path))} ${codeSpan(showValue(path, before))} → ${codeSpan(showValue(path, after))}${mark}`;
}

function providersOf(providers: unknown): string {
  const names = Array.isArray(providers)
    ? providers.flatMap((one: unknown) => {
        if (!isJsonObject(one)) {
          return [];
        }
        const { name, model } = one;
        return [[name, model].filter((part) => typeof part === 'string').join(' ')];
      })
    : [];
  return names.map((name) => codeSpan(name)).join(', then ');
}

function asText(name: string, value: unknown): string {
  const isList = Array.isArray(value) && value.every((item) => typeof item === 'string');
  return typeof value === 'string' ? value : isList ? value.join(', ') : showValue(name, value);
}
