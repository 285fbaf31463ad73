import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { Ajv, type ValidateFunction } from 'ajv';

import type { Documents } from './contract.ts';
import type { Answer } from './exchange.ts';
import { loosen, withoutNulls } from './loose-schema.ts';
import { isObject } from './params.ts';
import type { Route } from './route.ts';
import { GIVEN_INSTEAD, UNDOCUMENTED_NAMES } from './undocumented-names.ts';

/**
 * GitLab's document is right about requests, and about the types of these answers only: elsewhere most types of an
 * answer are guesses of the tool that wrote it, so only the names count there.
 */
const TRUSTED_TYPES = new Set([
  'API_Entities_CommitStatus',
  'API_Entities_Branch',
  'API_Entities_Commit',
  'API_Entities_CommitDetail',
  'API_Entities_Ci_PipelineBasic',
  'API_Entities_TreeObject',
]);

interface Operation {
  readonly query: Record<string, unknown>;
  readonly body: Record<string, unknown> | undefined;
  /** The definition of the answer; undefined when the document gives none. */
  readonly answer: string | undefined;
}

/**
 * Reads `gitlab/openapi-needed.json` and `gitlab/overlay.responses.json` below the folder of contracts. What is
 * missing or cannot be read throws: a contract that was asked for must be held.
 */
export function readDocuments(folder: string): Documents {
  const openapi = readObject(join(folder, 'gitlab', 'openapi-needed.json'));
  const overlay = readObject(join(folder, 'gitlab', 'overlay.responses.json'));
  const definitions = asObject(openapi['definitions']);
  const paths = asObject(openapi['paths']);
  const byPlace = new Map(
    Object.entries(paths).map(([path, operations]) => [placeOf(path), asObject(operations)]),
  );
  const ajv = new Ajv({
    strict: false,
    coerceTypes: true,
    allErrors: true,
    validateFormats: false,
  });
  const strict = new Ajv({ strict: false, allErrors: true, validateFormats: false });
  const compiled = new Map<string, ValidateFunction>();
  const operations = new Map<Route, Operation | undefined>();

  const operationOf = (route: Route): Operation | undefined => {
    if (!operations.has(route)) {
      const found = byPlace.get(placeOf(`/api/v4${route.path}`))?.[route.method.toLowerCase()];
      operations.set(route, isObject(found) ? readOperation(found, definitions) : undefined);
    }
    return operations.get(route);
  };
  const problems = (using: Ajv, key: string, schema: () => object, value: unknown): string[] => {
    const validate = compiled.get(key) ?? using.compile(schema());
    compiled.set(key, validate);
    return validate(structuredClone(value))
      ? []
      : (validate.errors ?? []).map(
          ({ instancePath, message }) => `${instancePath || 'it'} ${message ?? ''}`,
        );
  };

  return {
    requestNames(route) {
      const operation = operationOf(route);
      return operation === undefined
        ? undefined
        : {
            query: new Set(Object.keys(operation.query)),
            body: new Set(Object.keys(asObject(operation.body?.['properties'] ?? {}))),
          };
    },
    requestProblems(route, { query, bodyValues }) {
      const operation = operationOf(route);
      if (operation === undefined) {
        return [];
      }
      const key = `${route.method} ${route.path}`;
      const { body } = operation;
      return [
        ...problems(
          ajv,
          `${key} query`,
          () => ({ type: 'object', properties: operation.query }),
          query,
        ),
        ...(body === undefined
          ? []
          : problems(ajv, `${key} body`, () => body, withoutNulls(bodyValues))),
      ];
    },
    responseProblems(route, answer) {
      if (answer.json === undefined) {
        return [];
      }
      if (answer.status >= 300) {
        return problems(strict, 'Error', () => asObject(overlay['Error']), answer.json);
      }
      const definition = operationOf(route)?.answer;
      const curated = route.returns === undefined ? undefined : asObject(overlay[route.returns]);
      return itemsOf(answer).flatMap((item) => [
        ...unknownNames(item, { definition, curated, definitions }),
        ...(curated && route.returns ? problems(strict, route.returns, () => curated, item) : []),
        ...(definition !== undefined && TRUSTED_TYPES.has(definition)
          ? problems(
              strict,
              definition,
              () => loosen(definitions[definition], definitions),
              withoutNulls(item),
            )
          : []),
      ]);
    },
  };
}

function unknownNames(
  item: unknown,
  {
    definition,
    curated,
    definitions,
  }: {
    definition: string | undefined;
    curated: Record<string, unknown> | undefined;
    definitions: Record<string, unknown>;
  },
): string[] {
  const given = definition && (GIVEN_INSTEAD[definition] ?? definition);
  const described = given ? asObject(definitions[given]) : undefined;
  if (!isObject(item) || described === undefined || definition === undefined) {
    return [];
  }
  const known = new Set([
    ...Object.keys(asObject(described['properties'] ?? {})),
    ...Object.keys(asObject(curated?.['properties'] ?? {})),
    ...(UNDOCUMENTED_NAMES[definition] ?? []),
  ]);
  return Object.keys(item)
    .filter((name) => !known.has(name))
    .map((name) => `${name} is in no description of ${definition}`);
}

function itemsOf({ json }: Answer): unknown[] {
  return Array.isArray(json) ? json : [json];
}

function readOperation(
  operation: Record<string, unknown>,
  definitions: Record<string, unknown>,
): Operation {
  const parameters = Array.isArray(operation['parameters'])
    ? operation['parameters'].filter(isObject)
    : [];
  const query = parameters.filter((one) => one['in'] === 'query');
  const body = parameters.find((one) => one['in'] === 'body');
  const responses = asObject(operation['responses'] ?? {});
  const success = asObject(responses['200'] ?? responses['201'] ?? {});
  const schema = asObject(success['schema'] ?? {});
  const reference = schema['$ref'] ?? asObject(schema['items'] ?? {})['$ref'];
  return {
    query: Object.fromEntries(
      query.map(({ name, ...one }) => [
        String(name).replace(/\[.*$/, ''),
        String(name).includes('[') ? {} : loosen(one, definitions),
      ]),
    ),
    body: body === undefined ? undefined : loosen(body['schema'], definitions),
    answer: typeof reference === 'string' ? reference.split('/').at(-1) : undefined,
  };
}

/** The names of the parts differ between the document and us; their places do not. */
function placeOf(path: string): string {
  return path.replace(/\{[^}]+\}/g, '{}');
}

function readObject(file: string): Record<string, unknown> {
  const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
  return asObject(value);
}

function asObject(value: unknown): Record<string, unknown> {
  if (!isObject(value)) {
    throw new TypeError("GitLab's contract has another shape than expected.");
  }
  return value;
}
