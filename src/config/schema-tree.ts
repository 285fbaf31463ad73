import autodevSchema from '../../config-schema/autodev.schema.json' with { type: 'json' };
import kaasSchema from '../../config-schema/kaas.schema.json' with { type: 'json' };
import policySchema from '../../config-schema/policy.schema.json' with { type: 'json' };
import { isJsonObject } from '../domain/canonical-json.ts';

/** A schema, or a part of one. */
export type SchemaNode = Readonly<Record<string, unknown>>;

const ROOTS: Readonly<Record<string, SchemaNode>> = {
  'autodev.schema.json': autodevSchema,
  'policy.schema.json': policySchema,
  'kaas.schema.json': kaasSchema,
};

export type SchemaName = 'autodev.schema.json' | 'policy.schema.json' | 'kaas.schema.json';

/** The part of a schema that a pointer names, `$ref`s followed: `#/definitions/limits`, or with a file before it. */
function schemaAt(root: SchemaName, pointer: string): SchemaNode | undefined {
  const [file = '', path = ''] = pointer.split('#');
  let node: unknown = ROOTS[file === '' ? root : file];
  for (const step of path.split('/').slice(1)) {
    const key = decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
    node = isJsonObject(node) ? deref(root, node)[key] : undefined;
  }
  return isJsonObject(node) ? deref(root, node) : undefined;
}

function rootSchema(root: SchemaName): SchemaNode {
  return ROOTS[root] ?? {};
}

/** The schema of what stands under a key of a mapping, or at a position of a list; undefined for an unknown key. */
function childSchema(
  root: SchemaName,
  { properties, additionalProperties, items }: SchemaNode,
  step: string | number,
): SchemaNode | undefined {
  const stated = isJsonObject(properties) ? properties[String(step)] : undefined;
  const child = stated ?? (typeof step === 'number' ? items : additionalProperties);
  return isJsonObject(child) ? deref(root, child) : undefined;
}

/** The schema of what stands at a path of a document; undefined below an unknown key. */
export function schemaOf(
  root: SchemaName,
  path: readonly (string | number)[],
): SchemaNode | undefined {
  return path.reduce<SchemaNode | undefined>(
    (node, step) => node && childSchema(root, node, step),
    rootSchema(root),
  );
}

/** What stands beside a `$ref` wins over what it points at: a description, a default, a risk. */
function deref(root: SchemaName, node: SchemaNode): SchemaNode {
  const reference = node['$ref'];
  return typeof reference === 'string' ? { ...schemaAt(root, reference), ...node } : node;
}
