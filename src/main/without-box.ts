import { AppError } from '../kernel/errors.ts';

/** Why repositories beside the demo are refused on a machine that cannot keep a worker in a box. */
export function withoutBox(reason: string): AppError {
  return new AppError('SANDBOX_UNAVAILABLE', `workers cannot be kept in a box: ${reason}`, {
    remedy: 'Install what is missing, or accept the risk for one start with `--unsafe-no-sandbox`.',
  });
}
