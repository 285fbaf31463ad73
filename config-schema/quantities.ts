import { parseQuantity, QUANTITY_KINDS } from '../src/config/quantity.ts';
import type { QuantityKind } from '../src/config/quantity.ts';
import { isSchema, readSchema, SCHEMAS } from './schemas.ts';
import type { Schema } from './schemas.ts';

/**
 * Where a schema has quantities, and between which bounds: all that every reader of a file would otherwise look
 * up in the whole schema, an eighth of a warm load.
 */
export async function generateQuantities(root: string): Promise<[string, string][]> {
  const schemas = new Map<string, Schema>();
  for (const { file } of SCHEMAS) {
    schemas.set(file, await readSchema(root, file));
  }
  return SCHEMAS.filter(({ name }) => name === 'autodev' || name === 'policy').map(
    ({ name, file }) => {
      const tree = new TreeWriter(schemas);
      const top = tree.write(file, schemas.get(file) ?? {}) ?? '{}';
      const content = [
        `// Generated from config-schema/${file} by config-schema/generate.ts: do not edit.`,
        `import type { QuantityTree } from './check-quantities.ts';`,
        ``,
        ...tree.constants,
        `export const ${name.toUpperCase()}_QUANTITIES: QuantityTree = ${top};`,
        ``,
      ];
      return [`src/config/${name}-quantities.generated.ts`, content.join('\n')];
    },
  );
}

class TreeWriter {
  readonly #schemas: ReadonlyMap<string, Schema>;
  /** The names of the parts by their source: all agents are alike. */
  readonly #names = new Map<string, string>();

  constructor(schemas: ReadonlyMap<string, Schema>) {
    this.#schemas = schemas;
  }

  get constants(): string[] {
    return [...this.#names].map(([source, name]) => `const ${name}: QuantityTree = ${source};`);
  }

  /** The source of what stands below a part of a schema; undefined where that holds no quantity. */
  write(file: string, schema: Schema): string | undefined {
    const { node, file: home } = this.#deref(file, schema);
    const within = (part: unknown): string | undefined =>
      isSchema(part) ? this.write(home, part) : undefined;
    const rest = within(node['additionalProperties']);
    const properties = Object.entries(isSchema(node['properties']) ? node['properties'] : {})
      // One without quantities still stands for itself: `rest` is not for it.
      .map(([key, part]) => [key, within(part) ?? (rest && '{}')] as const)
      .flatMap(([key, part]) => (part === undefined ? [] : [`${JSON.stringify(key)}: ${part}`]));
    const items = within(node['items']);
    const members = [
      ...boundsOf(node),
      ...(properties.length > 0 ? [`properties: { ${properties.join(', ')} }`] : []),
      ...(rest === undefined ? [] : [`rest: ${rest}`]),
      ...(items === undefined ? [] : [`items: ${items}`]),
    ];
    return members.length === 0 ? undefined : this.#name(`{ ${members.join(', ')} }`);
  }

  #name(source: string): string {
    const known = this.#names.get(source) ?? `t${this.#names.size + 1}`;
    this.#names.set(source, known);
    return known;
  }

  /** What stands beside a `$ref` wins over what it points at. */
  #deref(file: string, schema: Schema): { node: Schema; file: string } {
    const reference = schema['$ref'];
    if (typeof reference !== 'string') {
      return { node: schema, file };
    }
    const [name = '', pointer = ''] = reference.split('#');
    const home = name === '' ? file : name;
    const target = pointer
      .split('/')
      .slice(1)
      .reduce<unknown>(
        (node, key) => (isSchema(node) ? node[key] : undefined),
        this.#schemas.get(home),
      );
    const found = this.#deref(home, isSchema(target) ? target : {});
    return { node: { ...found.node, ...schema, $ref: undefined }, file: found.file };
  }
}

function boundsOf(schema: Schema): string[] {
  const kind = QUANTITY_KINDS.find((name) => name === schema['x-quantity']);
  return kind === undefined
    ? []
    : [
        `kind: '${kind}'`,
        ...bound('min', kind, schema['x-min']),
        ...bound('max', kind, schema['x-max']),
      ];
}

function bound(name: 'min' | 'max', kind: QuantityKind, limit: unknown): string[] {
  if (typeof limit !== 'string' && typeof limit !== 'number') {
    return [];
  }
  const amount = parseQuantity(kind, limit);
  if (amount === undefined) {
    throw new TypeError(`x-${name} ${limit} is no quantity of ${kind}`);
  }
  return [`${name}: { written: ${JSON.stringify(String(limit))}, amount: ${amount} }`];
}
