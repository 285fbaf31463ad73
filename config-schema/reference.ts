import { isSchema, readSchema, SCHEMAS } from './schemas.ts';
import type { Schema } from './schemas.ts';

const INTRODUCTIONS: Readonly<Record<string, string>> = {
  autodev: `Where a key has no default, the table says what its absence means. The last column says which change
of a key *loosens* (lets agents do, spend or reach more, or asks less of people) and so may need a \`config\` gate:
\`higher\`, \`lower\`, \`added\`, \`removed\`, \`any\` or \`none\`. \`autodev validate --resolved\` prints a file with
every default.`,
  policy: `The keys of \`defaults\` are those of [autodev.yaml](autodev.md). The last column says which change of a
key loosens.`,
  outputs: `A worker writes one JSON object per line to the file that \`AUTODEV_OUTPUTS\` names. What its agent may
write is said by \`allow\` in [autodev.yaml](autodev.md).`,
  kaas: `\`npm run synth -- --env NAME\` reads it; \`--checklist\` prints what has to be made by hand. The guide is
[KaaS](../guides/kaas.md).`,
};

const TITLES: Readonly<Record<string, string>> = {
  autodev: 'autodev.yaml',
  policy: 'The policy file',
  outputs: 'outputs.jsonl',
  kaas: 'An environment on KaaS',
};

/** One page of Markdown per schema: a table per mapping, in the order of the schema. */
export async function generateReference(root: string): Promise<[string, string][]> {
  const schemas = new Map<string, Schema>();
  for (const { file } of SCHEMAS) {
    schemas.set(file, await readSchema(root, file));
  }
  return SCHEMAS.map(({ name, file }): [string, string] => {
    const schema = schemas.get(file) ?? {};
    const page = [
      `<!-- Generated from config-schema/${file} by config-schema/generate.ts: do not edit. -->`,
      `# ${TITLES[name] ?? name}`,
      textOf(schema['description']),
      INTRODUCTIONS[name] ?? '',
      ...sections({ schemas, file }, schema),
    ];
    return [`docs/reference/${name}.md`, `${page.join('\n\n')}\n`];
  });
}

interface Context {
  readonly schemas: ReadonlyMap<string, Schema>;
  readonly file: string;
}

/** Breadth first, each named mapping once: `limits` is described where it is first met. */
function sections(context: Context, root: Schema): string[] {
  const queue: { path: string; schema: Schema }[] = alternatives(context, root);
  const seen = new Set<string>();
  const written: string[] = [];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const { path, schema } = next;
    const title = typeof schema['title'] === 'string' ? schema['title'] : path;
    const rows = table(context, schema);
    if (rows !== undefined && !seen.has(title)) {
      seen.add(title);
      const heading =
        path === '' ? 'Top level' : `\`${path.replace('agents.pm', 'agents.<role>')}\``;
      const description = path === '' ? '' : textOf(schema['description']);
      written.push(`## ${heading}`, ...(description === '' ? [] : [description]), rows);
      // The policy's defaults are autodev.yaml's own keys: its page describes them.
      queue.push(...(path.endsWith('.defaults') ? [] : children(context, path, schema)));
    }
  }
  return written;
}

/** A line of outputs.jsonl is one of several; a file is one mapping. */
function alternatives(context: Context, root: Schema): { path: string; schema: Schema }[] {
  const { oneOf } = root;
  return Array.isArray(oneOf)
    ? oneOf.filter(isSchema).map((option) => {
        const schema = deref(context, option);
        const type = asSchema(asSchema(schema['properties'])['type']);
        return { path: textOf(type['const']), schema };
      })
    : [{ path: '', schema: root }];
}

function children(
  context: Context,
  path: string,
  schema: Schema,
): { path: string; schema: Schema }[] {
  const within = (name: string): string => (path === '' ? name : `${path}.${name}`);
  return Object.entries(asSchema(schema['properties'])).flatMap(([name, property]) => {
    const own = deref(context, asSchema(property));
    const items = deref(context, asSchema(own['items']));
    const values = deref(context, asSchema(own['additionalProperties']));
    return [
      { path: within(name), schema: own },
      { path: `${within(name)}[]`, schema: items },
      { path: `${within(name)}.<name>`, schema: values },
    ];
  });
}

function table(context: Context, schema: Schema): string | undefined {
  const properties = Object.entries(asSchema(schema['properties']));
  if (properties.length === 0) {
    return undefined;
  }
  const rows = properties.map(([name, property]) => {
    const own = deref(context, asSchema(property));
    const cells = [
      `\`${name}\``,
      textOf(own['description']),
      acceptedValues(own),
      own['default'] === undefined ? textOf(own['x-default']) : code(own['default']),
      asList(own['examples']).map(code).join(' '),
      textOf(own[lastColumn(context).keyword]),
    ];
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
  });
  return [
    `| key | meaning | values | default | examples | ${lastColumn(context).title} |`,
    '|---|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}

/** People write autodev.yaml and policies, where a change has a risk; of an environment they must find the values. */
function lastColumn({ file }: Context): { keyword: string; title: string } {
  return file === 'kaas.schema.json'
    ? { keyword: 'x-where', title: 'where to find it' }
    : { keyword: 'x-risk', title: 'loosens' };
}

function acceptedValues(schema: Schema): string {
  const stated = [schema['enum'], schema['x-values']].find(Array.isArray);
  if (Array.isArray(stated)) {
    return stated.map(code).join(' ');
  }
  const quantity = schema['x-quantity'];
  const types = [schema['type']].flat().filter((type) => type !== undefined);
  const range = [
    ['from', schema['x-min'] ?? schema['minimum']],
    ['to', schema['x-max'] ?? schema['maximum']],
  ].flatMap(([word, bound]) => (bound === undefined ? [] : [`${textOf(word)} ${textOf(bound)}`]));
  const kind = typeof quantity === 'string' ? quantity : types.map(String).join(' or ');
  return [kind, ...range].join(', ');
}

function code(value: unknown): string {
  return `\`${typeof value === 'string' ? value.replaceAll('\n', '\\n') : JSON.stringify(value)}\``;
}

/** What stands beside a `$ref` wins over what it points at. */
function deref(context: Context, schema: Schema): Schema {
  const reference = schema['$ref'];
  if (typeof reference !== 'string') {
    return schema;
  }
  const [file = '', pointer = ''] = reference.split('#');
  const origin = context.schemas.get(file === '' ? originOf(context, pointer) : file) ?? {};
  const target = pointer
    .split('/')
    .slice(1)
    .reduce<Schema>((node, step) => asSchema(node[step]), origin);
  return { ...deref(context, target), ...schema };
}

/** A definition of autodev's that was reached from another file points into its own file. */
function originOf({ schemas, file }: Context, pointer: string): string {
  const name = pointer.split('/')[2] ?? '';
  const own = asSchema(schemas.get(file)?.['definitions']);
  return own[name] === undefined ? 'autodev.schema.json' : file;
}

function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

function asSchema(value: unknown): Schema {
  return isSchema(value) ? value : {};
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
