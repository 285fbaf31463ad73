import type { Static, TSchema } from 'typebox';
import { Type } from 'typebox';

import { AGENTS } from '../../domain/agent.ts';

/**
 * How values are written in what the API answers: names in snake_case, times RFC 3339 in UTC, money in USD as
 * a number, ids strings that say what they are an id of. Free JSON keeps its own names: `spec` and the values
 * of a plan (a repository's configuration as it is kept), a transcript's lines (the worker's). A read model is a TypeBox schema, its type and the
 * query that fills it, in one file: the API serves the schema, the command line uses the type.
 */
export const Time = Type.String({ format: 'date-time', examples: ['2026-03-29T01:00:00.000Z'] });
/** More digits are no id of any row: Postgres would refuse them as no bigint, JavaScript would round them. */
export const LARGEST_ID = 999_999_999_999_999;
export const JobId = Type.String({ pattern: '^j_[1-9][0-9]{0,14}$', examples: ['j_12'] });
export const GateId = Type.String({ pattern: '^g_[1-9][0-9]{0,14}$', examples: ['g_3'] });
export const RepoRef = Type.Object({ id: Type.String(), path: Type.String() });
export const AgentName = Type.Enum([...AGENTS]);

export function orNull<Schema extends TSchema>(schema: Schema) {
  return Type.Union([schema, Type.Null()]);
}

/** Any JSON value, as rows keep it in `jsonb`. */
export const Json = Type.Unknown();

export const Cost = Type.Object({ tokens: Type.Number(), usd: Type.Number() });
export type Cost = Static<typeof Cost>;

/** One page of a list that is read by key: `next` is the cursor of the page behind it, null on the last one. */
export interface Page<Item> {
  items: Item[];
  next: string | null;
}

export function jobId(id: number): string {
  return `j_${id}`;
}

export function gateId(id: number): string {
  return `g_${id}`;
}

export function repoRef(id: number, path: string): Static<typeof RepoRef> {
  return { id: String(id), path };
}

export function time(at: Date): string {
  return at.toISOString();
}

export function timeOrNull(at: Date | null): string | null {
  return at === null ? null : at.toISOString();
}

/** Micro-USD, as rows count, to USD. */
export function usd(microUsd: number): number {
  return microUsd / 1_000_000;
}

/**
 * Cuts rows that were asked for with `limit + 1` into a page; the cursor is the key of the last row on it.
 */
export function page<Row, Item>(
  rows: readonly Row[],
  limit: number,
  { key, item }: { key: (row: Row) => number; item: (row: Row) => Item },
): Page<Item> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    items: shown.map(item),
    next: rows.length > limit && last !== undefined ? String(key(last)) : null,
  };
}
