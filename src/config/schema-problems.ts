import { isJsonObject } from '../domain/canonical-json.ts';
import type { Diagnostic, DocumentPath } from './diagnostics.ts';
import { QUANTITY_KINDS, quantityRemedy } from './quantity.ts';
import type { QuantityKind } from './quantity.ts';
import { quote } from './quoting.ts';
import type { SchemaProblem } from './schema-problem.ts';
import { schemaOf } from './schema-tree.ts';
import type { SchemaName, SchemaNode } from './schema-tree.ts';
import {
  asArray,
  asTexts,
  exampleOf,
  exampleOfType,
  rangeText,
  typeOf,
  typeText,
} from './schema-words.ts';
import type { Finding, SourceDocument } from './source-document.ts';
import { suggestKey, suggestValue } from './suggest.ts';

/** Nobody reads more, and each costs a search through the file. */
const MAX_PROBLEMS = 100;

/** What a validator found, in words and with its place. */
export function explainProblems(
  document: SourceDocument,
  root: SchemaName,
  problems: readonly SchemaProblem[],
): Diagnostic[] {
  return problems.slice(0, MAX_PROBLEMS).flatMap((problem) => {
    const path = toPath(document.value, problem.instancePath);
    // The place says which part of the schema it was: no schema here has alternatives.
    const schema = schemaOf(root, path) ?? {};
    const explained = explain(problem, { document, path, schema });
    return explained === undefined ? [] : [explained];
  });
}

interface Place {
  readonly document: SourceDocument;
  readonly path: DocumentPath;
  readonly schema: SchemaNode;
}

function explain(problem: SchemaProblem, place: Place): Diagnostic | undefined {
  const { document, path, schema } = place;
  const { params, keyword } = problem;
  const at = (finding: Finding): Diagnostic => document.diagnose(path, finding);
  const key = String(path.at(-1) ?? 'the file');

  if (problem.propertyName !== undefined) {
    return invalidName(problem.propertyName, place);
  }
  switch (keyword) {
    case 'additionalProperties':
      return unknownKey(String(params['additionalProperty']), place);
    case 'required': {
      const missing = String(params['missingProperty']);
      return document.diagnose(
        path,
        {
          code: 'missing_key',
          message: `\`${missing}\` is missing in ${path.length === 0 ? 'the file' : `\`${key}\``}.`,
          remedy: `Add \`${missing}: ${exampleOf(schema, missing)}\`.`,
        },
        'key',
      );
    }
    case 'const':
      return at({
        code: 'unsupported_version',
        message: `\`${key}\` must be ${JSON.stringify(params['allowedValue'])}.`,
        remedy: 'This version of Auto-Dev reads that one alone.',
        corrected: replaceValue(place, String(params['allowedValue'])),
      });
    case 'enum':
      return unknownValue(asTexts(params['allowedValues']), place);
    case 'type':
      return wrongType(asTexts([params['type']].flat()), place);
    case 'pattern':
      return invalidText(place);
    case 'uniqueItems':
      return at({
        code: 'duplicate_item',
        message: `\`${key}\` holds the same entry twice.`,
        remedy: 'Remove one of the two.',
      });
    case 'propertyNames':
      return undefined;
    default:
      return at({
        code: 'out_of_range',
        message: `\`${key}\` ${rangeText(keyword, params['limit'])}.`,
        remedy: `Give it a value like ${JSON.stringify(asArray(schema['examples'])[0] ?? params['limit'])}.`,
      });
  }
}

function unknownKey(written: string, { document, path, schema }: Place): Diagnostic {
  const known = isJsonObject(schema['properties']) ? Object.keys(schema['properties']) : [];
  const meant = suggestKey(written, known) ?? suggestValue(written, known);
  const keyPath = [...path, written];
  const source = document.sourceOf(keyPath);
  const [outer, inner] = meant?.split('.') ?? [];
  return document.diagnose(
    keyPath,
    {
      code: 'unknown_key',
      message: `\`${written}\` is no key ${path.length === 0 ? 'of this file' : `of \`${path.at(-1)}\``}.`,
      remedy:
        meant === undefined
          ? `Known here: ${known.join(', ')}.`
          : `Did you mean \`${meant}\`? Known here: ${known.join(', ')}.`,
      ...(outer === undefined ? {} : { corrected: renamedKey({ written, source, outer, inner }) }),
    },
    'key',
  );
}

/** The key by its right name; where that leads into a mapping or a list, the value goes along. */
function renamedKey({
  written,
  source,
  outer,
  inner,
}: {
  written: string;
  source: string | undefined;
  outer: string;
  inner: string | undefined;
}): { replace: string; by: string } {
  if (source === undefined || source.includes('\n')) {
    return { replace: written, by: outer };
  }
  const replace = `${written}: ${source}`;
  if (outer === 'providers' && !source.startsWith('[')) {
    const name = /claude|sonnet|opus|haiku/.test(source) ? 'claude' : 'codex';
    return { replace, by: `providers: [{ name: ${name}, model: ${source} }]` };
  }
  return inner === undefined
    ? { replace: written, by: outer }
    : { replace, by: `${outer}: { ${inner}: ${source} }` };
}

function unknownValue(known: readonly string[], place: Place): Diagnostic {
  const { document, path } = place;
  const written = document.sourceOf(path) ?? '';
  const meant = suggestValue(written.replaceAll(/^["']|["']$/g, ''), known);
  return document.diagnose(path, {
    code: 'unknown_value',
    message: `\`${written}\` is none of ${known.join(', ')}.`,
    remedy: meant === undefined ? 'Take one of these.' : `Did you mean \`${meant}\`?`,
    ...(meant === undefined ? {} : { corrected: replaceValue(place, meant) }),
  });
}

function wrongType(expected: readonly string[], place: Place): Diagnostic {
  const { document, path, schema } = place;
  const key = String(path.at(-1) ?? 'the file');
  const written = document.sourceOf(path) ?? '';
  const value = valueAt(document.value, path);
  const quantity = asQuantity(schema['x-quantity']);

  if (value === null) {
    const empty = expected.includes('object')
      ? '{}'
      : expected.includes('array')
        ? '[]'
        : undefined;
    const example = empty ?? JSON.stringify(asArray(schema['examples'])[0] ?? 'text');
    return document.diagnose(
      path,
      {
        code: 'empty_value',
        message: `\`${key}\` has no value.`,
        remedy: `Write \`${key}: ${example}\`, or remove the line.`,
        corrected: { replace: `${key}:${written}`, by: `${key}: ${example}` },
      },
      'key',
    );
  }
  if (typeof value === 'number' && quantity !== undefined) {
    return document.diagnose(path, {
      code: 'missing_unit',
      message: `\`${key}\` needs a unit.`,
      remedy: quantityRemedy(quantity),
      corrected: replaceValue(
        place,
        written + { duration: 'm', bytes: 'GiB', percent: '%', tokens: 'k', usd: '' }[quantity],
      ),
    });
  }
  if (expected.includes('string') && (typeof value === 'number' || typeof value === 'boolean')) {
    return document.diagnose(path, {
      code: 'number_for_name',
      message: `\`${key}\` is text, but YAML reads \`${written}\` as a ${typeof value}.`,
      remedy: 'Quote it.',
      corrected: replaceValue(place, quote(written)),
    });
  }
  return document.diagnose(path, {
    code: 'wrong_type',
    message: `\`${key}\` must be ${expected.map(typeText).join(' or ')}, not ${typeText(typeOf(value))}.`,
    remedy: `For example \`${key}: ${JSON.stringify(asArray(schema['examples'])[0] ?? exampleOfType(expected[0]))}\`.`,
    ...(expected.includes('array') && typeof value === 'string'
      ? { corrected: replaceValue(place, `[${written}]`) }
      : {}),
  });
}

/** A text that does not look as it must: a quantity, one of some words, a name, a path. */
function invalidText(place: Place): Diagnostic {
  const { document, path, schema } = place;
  const quantity = asQuantity(schema['x-quantity']);
  const words = asTexts(schema['x-values']);
  const written = document.sourceOf(path) ?? '';
  if (words.length > 0) {
    return unknownValue(words, place);
  }
  if (quantity !== undefined) {
    return document.diagnose(path, {
      code: 'invalid_quantity',
      message: `\`${written}\` cannot be read.`,
      remedy: quantityRemedy(quantity),
    });
  }
  const relative = /^["']?[/\\]/.test(written);
  return document.diagnose(path, {
    code: 'invalid_value',
    message: `\`${written}\` is not what \`${String(path.findLast((step) => typeof step === 'string'))}\` can hold.`,
    remedy: relative
      ? 'Paths begin at the top of the repository, without a slash.'
      : `It must match ${String(schema['pattern'])}; for example ${JSON.stringify(asArray(schema['examples'])[0] ?? '')}.`,
    ...(relative ? { corrected: replaceValue(place, written.replace(/[/\\]+/, '')) } : {}),
  });
}

function invalidName(name: string, { document, path }: Place): Diagnostic {
  const better = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .replaceAll(/^[^a-z0-9]+|[^a-z0-9]+$/g, '')
    .slice(0, 63);
  return document.diagnose(
    [...path, name],
    {
      code: 'invalid_name',
      message: `\`${name}\` is no name.`,
      remedy: 'A name has lower-case letters, digits, dots and dashes, at most 63.',
      ...(better === '' ? {} : { corrected: { replace: name, by: better } }),
    },
    'key',
  );
}

function replaceValue({ document, path }: Place, by: string): { replace: string; by: string } {
  return { replace: document.sourceOf(path) ?? '', by };
}

/** `/agents/builder/allow/comment` → keys, and numbers where the document holds a list. */
function toPath(value: unknown, pointer: string): DocumentPath {
  let parent = value;
  return pointer
    .split('/')
    .slice(1)
    .map((step) => {
      const key = step.replaceAll('~1', '/').replaceAll('~0', '~');
      const position = Array.isArray(parent) ? Number(key) : undefined;
      parent = valueAt(parent, [position ?? key]);
      return position ?? key;
    });
}

function valueAt(value: unknown, path: DocumentPath): unknown {
  return path.reduce<unknown>(
    (parent, step) =>
      Array.isArray(parent)
        ? parent[Number(step)]
        : isJsonObject(parent)
          ? parent[String(step)]
          : undefined,
    value,
  );
}

function asQuantity(value: unknown): QuantityKind | undefined {
  return QUANTITY_KINDS.find((kind) => kind === value);
}
