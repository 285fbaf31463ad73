import path from 'node:path';

import { compile } from 'json-schema-to-typescript';

import { isSchema, readSchema, SCHEMAS } from './schemas.ts';
import type { Schema } from './schemas.ts';

/** One file of TypeScript types per schema. */
export async function generateTypes(root: string): Promise<[string, string][]> {
  const files: [string, string][] = [];
  // Every schema may point into autodev's definitions; what it does not point to makes no type.
  const shared = await readSchema(root, 'autodev.schema.json');
  for (const { name, file, type, folder } of SCHEMAS) {
    const schema = await readSchema(root, file);
    const definitions = { ...asSchema(shared['definitions']), ...asSchema(schema['definitions']) };
    const source = await compile({ ...simplify({ ...schema, definitions }), $id: type }, type, {
      cwd: path.join(root, 'config-schema'),
      additionalProperties: false,
      bannerComment: `// Generated from config-schema/${file} by config-schema/generate.ts: do not edit.`,
      format: false,
      ignoreMinAndMaxItems: true,
      // The schema's defaults are filled in by resolve.ts; the types say what a file holds.
      strictIndexSignatures: true,
    });
    files.push([`${folder}/${name}.generated.ts`, source]);
  }
  return files;
}

/**
 * The same schema in the shape that makes readable types: a reference stands alone (siblings would make a type of
 * their own each), and a text of which only some values count is their union.
 */
function simplify(schema: Schema): Schema {
  const reference = schema['$ref'];
  if (typeof reference === 'string') {
    return { $ref: reference.replace('autodev.schema.json', '') };
  }
  const { type, 'x-values': values, pattern, ...rest } = mapSchemas(schema);
  if (Array.isArray(type) && type.includes('string') && Array.isArray(values)) {
    const others = type.filter((name) => name !== 'string');
    return { ...describe(rest), anyOf: [{ ...omitTitle(rest), type: others }, { enum: values }] };
  }
  return { ...rest, ...(type === undefined ? {} : { type }), ...(pattern ? { pattern } : {}) };
}

function describe({ title, description }: Schema): Schema {
  return { ...(title ? { title } : {}), ...(description ? { description } : {}) };
}

function omitTitle(schema: Schema): Schema {
  return Object.fromEntries(Object.entries(schema).filter(([keyword]) => keyword !== 'title'));
}

/** Examples and defaults are data, not schemas: they stay as they are. */
function mapSchemas(schema: Schema): Schema {
  return Object.fromEntries(
    Object.entries(schema).map(([keyword, value]) => {
      if (keyword === 'properties' || keyword === 'definitions') {
        return [keyword, isSchema(value) ? mapValues(value) : value];
      }
      if (
        keyword === 'items' ||
        keyword === 'additionalProperties' ||
        keyword === 'propertyNames'
      ) {
        return [keyword, isSchema(value) ? simplify(value) : value];
      }
      return [keyword, value];
    }),
  );
}

function mapValues(schemas: Schema): Schema {
  return Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => [
      name,
      isSchema(schema) ? simplify(schema) : schema,
    ]),
  );
}

function asSchema(value: unknown): Schema {
  return isSchema(value) ? value : {};
}
