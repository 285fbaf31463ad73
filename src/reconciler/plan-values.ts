import { formatQuantity } from '../config/quantity.ts';
import { canonicalJson } from '../domain/canonical-json.ts';

/** A property's path as the file has it. */
export function fileKey(path: string): string {
  return path
    .replaceAll(/MicroUsd$|microUsd$/gu, 'usd')
    .replaceAll(/(?:Ms|Bytes)$/gu, '')
    .replaceAll(/[A-Z]/gu, (letter) => `_${letter.toLowerCase()}`);
}

/** A property's value as people write it, `path` saying in what it is counted. */
export function showValue(path: string, value: unknown, { longest = 60 } = {}): string {
  if (value === undefined) {
    return '(none)';
  }
  if (typeof value === 'number') {
    const kind = kindOf(path);
    return String(kind ? formatQuantity(kind, value) : value);
  }
  const text = canonicalJson(value);
  return text.length > longest ? `${text.slice(0, longest)}...` : text;
}

export function showUsd(usd: number | null): string {
  return usd === null ? 'no limit' : `${usd} USD`;
}

export function shortCommit(commit: string): string {
  return commit.slice(0, 12);
}

function kindOf(path: string): 'usd' | 'duration' | 'bytes' | undefined {
  if (path.endsWith('icroUsd')) {
    return 'usd';
  }
  return path.endsWith('Ms') ? 'duration' : path.endsWith('Bytes') ? 'bytes' : undefined;
}
