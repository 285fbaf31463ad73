import type { Static, TSchema } from 'typebox';
import { Value } from 'typebox/value';

import { AppError } from '../../kernel/errors.ts';

/**
 * What GitLab answered, as the schema says. Names that the schema does not know are left alone: every version brings
 * new ones. FORGE_BAD_ANSWER names the first field that is another than agreed; never its value.
 *
 * @param what the thing that was asked for, as in "GitLab's answer for !7"
 */
export function read<Schema extends TSchema>(
  schema: Schema,
  value: unknown,
  what: string,
): Static<Schema> {
  if (Value.Check(schema, value)) {
    return value;
  }
  const [first] = Value.Errors(schema, value);
  const where = first?.instancePath || 'the whole';
  throw new AppError(
    'FORGE_BAD_ANSWER',
    `GitLab's answer for ${what} is not as documented: ${where} ${first?.message ?? ''}`,
    { remedy: 'Look whether GITLAB_URL is GitLab itself, and whether its version is 16 or newer.' },
  );
}
