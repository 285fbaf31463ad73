import type { FastifyError } from 'fastify';

import { suggestKey } from '../../config/suggest.ts';

interface RequestProblem {
  detail: string;
  remedy?: string;
}

type Finding = NonNullable<FastifyError['validation']>[number];

/**
 * What a request's schema has against it, in words for people: `task must not be empty`. The server asks the
 * validator to be verbose, so that a finding comes with the schema that it is about.
 */
export function requestProblem({
  validation,
  validationContext,
  message,
}: FastifyError): RequestProblem {
  const [finding] = validation ?? [];
  if (finding === undefined) {
    return { detail: message };
  }
  const path = finding.instancePath.slice(1).replaceAll('/', '.');
  const name = path === '' ? 'the body' : path;
  const { missingProperty, additionalProperty } = finding.params;
  const prefix = path === '' ? '' : `${path}.`;

  if (typeof missingProperty === 'string') {
    return { detail: `${prefix}${missingProperty} is missing` };
  }
  if (typeof additionalProperty === 'string') {
    const where = validationContext === 'querystring' ? 'this query' : name;
    return {
      detail: `${where} has no key ${JSON.stringify(additionalProperty)}`,
      ...remedyFor(additionalProperty, knownKeys(finding)),
    };
  }
  return { detail: `${name} ${expectation(finding)}` };
}

/** What a value must be, to stand behind its name. */
function expectation(finding: Finding): string {
  const { keyword, params, message = 'is invalid' } = finding;
  const { limit, type, allowedValues } = params;
  const schema = schemaOf(finding);
  switch (keyword) {
    case 'minLength':
    case 'minItems':
      return limit === 1
        ? 'must not be empty'
        : `must have at least ${String(limit)} ${unit(keyword)}`;
    case 'maxLength':
    case 'maxItems':
      return `must have at most ${String(limit)} ${unit(keyword)}`;
    case 'minimum':
      return `must be at least ${String(limit)}`;
    case 'maximum':
      return `must be at most ${String(limit)}`;
    case 'exclusiveMinimum':
      return `must be more than ${String(limit)}`;
    case 'enum':
      return Array.isArray(allowedValues) ? `must be one of ${allowedValues.join(', ')}` : message;
    case 'type':
      return `must be ${TYPE_WORDS[String(type)] ?? String(type)}`;
    case 'format':
      return 'must be a time like 2026-03-29T01:00:00Z';
    case 'pattern':
      return `must look like ${exampleOf(schema) ?? String(params['pattern'])}`;
    default:
      return message;
  }
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'a text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
};

function unit(keyword: string): string {
  return keyword.endsWith('Items') ? 'items' : 'characters';
}

function remedyFor(written: string, known: readonly string[]): { remedy?: string } {
  if (known.length === 0) {
    return { remedy: 'it takes none' };
  }
  const meant = suggestKey(written, known);
  const all = `known: ${known.join(', ')}`;
  return { remedy: meant === undefined ? all : `did you mean ${meant}? ${all}` };
}

function knownKeys(finding: Finding): string[] {
  const { properties } = schemaOf(finding);
  return typeof properties === 'object' && properties !== null ? Object.keys(properties) : [];
}

function exampleOf({ examples }: { examples?: unknown }): string | undefined {
  const first: unknown = Array.isArray(examples) ? examples[0] : undefined;
  return typeof first === 'string' ? first : undefined;
}

function schemaOf(finding: Finding): { properties?: unknown; examples?: unknown } {
  const schema: unknown = 'parentSchema' in finding ? finding.parentSchema : undefined;
  return typeof schema === 'object' && schema !== null ? schema : {};
}
