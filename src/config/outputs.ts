import type { Output } from '../domain/output.ts';
import { validate } from './outputs-validator.generated.js';
import type { SchemaProblem } from './schema-problem.ts';

const TYPES = [
  'merge_request',
  'review',
  'comment',
  'issue',
  'hand_off',
  'memory',
  'question',
  'noop',
];

/** One line of a worker's `outputs.jsonl`, or what is wrong with it in a sentence for its author. */
export function readOutputLine(
  text: string,
): { readonly output: Output } | { readonly problem: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { problem: `is not JSON (${why}); each line must hold one whole object` };
  }
  if (validate(value)) {
    return { output: value };
  }
  const problems = validate.errors ?? [];
  const said = problems.map(describe).filter((each) => each !== undefined);
  return { problem: said.slice(0, 3).join('; ') || 'does not have the form of an output' };
}

function describe({ keyword, instancePath, params }: SchemaProblem): string | undefined {
  const key = instancePath.slice(1).replaceAll('/', '.');
  const where = key === '' ? 'the output' : `\`${key}\``;
  switch (keyword) {
    case 'discriminator':
      return params['error'] === 'mapping'
        ? `\`${String(params['tagValue'])}\` is no type of output: use one of ${TYPES.join(', ')}`
        : undefined;
    case 'required':
      return `${where} has no \`${String(params['missingProperty'])}\``;
    case 'additionalProperties':
      return `\`${String(params['additionalProperty'])}\` is no key of ${where}`;
    case 'type':
      return `${where} must be of type ${String(params['type'])}`;
    case 'enum':
      return `${where} must be one of ${String(params['allowedValues'])}`;
    default:
      return `${where} breaks the rule \`${keyword}\` (${JSON.stringify(params)})`;
  }
}
