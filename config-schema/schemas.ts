import { readFile } from 'node:fs/promises';
import path from 'node:path';

/** The contracts that people write to, and where the code goes that is generated for each. `outputs` is one line of a file. */
export const SCHEMAS = [
  { name: 'autodev', file: 'autodev.schema.json', type: 'AutodevConfig', folder: 'src/config' },
  { name: 'policy', file: 'policy.schema.json', type: 'Policy', folder: 'src/config' },
  { name: 'outputs', file: 'outputs.schema.json', type: 'Output', folder: 'src/config' },
  { name: 'kaas', file: 'kaas.schema.json', type: 'KaasSettings', folder: 'cdk8s' },
] as const;

/** A JSON Schema, as far as the generators look into it. */
export interface Schema {
  readonly [keyword: string]: unknown;
}

/** Our own keywords: docs/reference/autodev.md says what they mean. */
export const KEYWORDS = [
  'x-risk',
  'x-default',
  'x-order',
  'x-values',
  'x-quantity',
  'x-min',
  'x-max',
  'x-name',
  'x-where',
];

export async function readSchema(root: string, file: string): Promise<Schema> {
  const schema: unknown = JSON.parse(
    await readFile(path.join(root, 'config-schema', file), 'utf8'),
  );
  if (!isSchema(schema)) {
    throw new TypeError(`${file} is no JSON object`);
  }
  return schema;
}

export function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
