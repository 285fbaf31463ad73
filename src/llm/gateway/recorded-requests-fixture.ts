import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { isJsonObject } from '../../domain/canonical-json.ts';
import type { LlmApi } from './api.ts';

export interface RecordedRequest {
  readonly name: string;
  readonly api: LlmApi;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Requests of the real CLIs by their shape: every text is replaced. */
export const SHAPES = path.join(import.meta.dirname, '../../../test/data/cli/requests');

/** All requests below a folder; empty where there is none. */
export function recordedRequests(folder: string): RecordedRequest[] {
  const apis = [
    ['codex', 'responses'],
    ['claude', 'messages'],
  ] as const;
  return apis.flatMap(([cli, api]) => {
    const of = path.join(folder, cli);
    return (existsSync(of) ? readdirSync(of) : []).map((file) => {
      const recorded: unknown = JSON.parse(readFileSync(path.join(of, file), 'utf8'));
      const { body, headers } = isJsonObject(recorded) ? recorded : {};
      return {
        name: `${cli}/${file}`,
        api,
        headers: isJsonObject(headers)
          ? Object.fromEntries(Object.entries(headers).map(([k, v]) => [k, String(v)]))
          : {},
        body: withoutCuts(isJsonObject(body) ? body : {}),
      };
    });
  });
}

/** Where a recorder left items out of a list it put `{"_omitted": N}`. */
function withoutCuts(body: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(body).map(([name, value]) => [
      name,
      Array.isArray(value)
        ? value.filter((item) => !isJsonObject(item) || item['_omitted'] === undefined)
        : value,
    ]),
  );
}
