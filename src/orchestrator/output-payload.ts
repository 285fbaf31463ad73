import { validate } from '../config/outputs-validator.generated.js';
import type { Effect } from '../db/effects.ts';
import type { Output } from '../domain/output.ts';
import { AppError } from '../kernel/errors.ts';

type OutputOf<Type extends Output['type']> = Extract<Output, { type: Type }>;

/**
 * The output that an effect carries, held against its schema once more: the row was written by a runner, and
 * what changes the outside world is not taken on its word. Throws OUTPUTS_INVALID.
 */
export function outputOf<Type extends Output['type']>(
  effect: Pick<Effect, 'id' | 'payload'>,
  type: Type,
): OutputOf<Type> {
  const { payload } = effect;
  if (!validate(payload) || !isType(payload, type)) {
    throw new AppError('OUTPUTS_INVALID', `effect ${effect.id} does not carry a \`${type}\``, {
      remedy: 'Run the job again: `autodev retry`.',
      details: { problems: validate.errors ?? [] },
    });
  }
  return payload;
}

function isType<Type extends Output['type']>(
  output: { type: string },
  type: Type,
): output is OutputOf<Type> {
  return output.type === type;
}
