import { GraphqlSyntaxError, parseQuery, type Field } from '../graphql-query.ts';
import { GraphqlError, resolveQuery } from '../graphql-schema.ts';
import { isObject } from '../params.ts';
import { ApiProblem } from '../problem.ts';
import type { Call, Reply, Route } from '../route.ts';

/** Somebody who is signed in may ask for this much in one query. */
const MAX_COMPLEXITY = 250;

/** GitLab made reading several files in one query this dear; one file stays affordable. */
const BLOBS_COST = { first: 30, further: 300 } as const;

/**
 * Costs as GitLab counts them, near enough that a batch of some 35 projects with one field of the repository is what
 * fits: each field is one, a field of the repository goes to Gitaly and is dearer, a list multiplies.
 */
export function complexityOf(fields: readonly Field[]): number {
  return fields.reduce((sum, field) => sum + costOf(field), 0);
}

function costOf({ name, args, fields }: Field): number {
  if (name === 'projects') {
    const { ids, first } = args;
    const size = Math.min(
      Array.isArray(ids) ? ids.length : 100,
      typeof first === 'number' ? first : 100,
      100,
    );
    const nodes = fields.filter((field) => field.name === 'nodes' || field.name === 'edges');
    const rest = fields.filter((field) => !nodes.includes(field));
    return 2 + complexityOf(rest) + size * complexityOf(nodes.flatMap((field) => field.fields));
  }
  if (name === 'blobs') {
    const paths = Array.isArray(args['paths']) ? args['paths'].length : 1;
    return BLOBS_COST.first + BLOBS_COST.further * (paths - 1) + complexityOf(fields);
  }
  return 1 + complexityOf(fields);
}

function errors(...messages: string[]): Reply {
  return { body: { errors: messages.map((message) => ({ message })) } };
}

async function query(call: Call): Promise<Reply> {
  const source = call.params.requiredText('query');
  const { variables } = call.params.values;
  try {
    const fields = parseQuery(source, isObject(variables) ? variables : {});
    const complexity = complexityOf(fields);
    if (complexity > MAX_COMPLEXITY) {
      return errors(
        `Query has complexity of ${complexity}, which exceeds max complexity of ${MAX_COMPLEXITY}`,
      );
    }
    return { body: { data: await resolveQuery(call, fields) } };
  } catch (error) {
    if (error instanceof GraphqlSyntaxError || error instanceof GraphqlError) {
      return errors(error.message);
    }
    if (error instanceof ApiProblem) {
      return errors(error.message);
    }
    throw error;
  }
}

export const graphqlRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/api/graphql',
    parameters: ['query', 'variables', 'operationName'],
    reads: true,
    handle: query,
  },
];
