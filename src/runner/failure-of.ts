import type { EndReason } from '../domain/end-reason.ts';
import type { ErrorCode } from '../kernel/errors.ts';
import { AppError } from '../kernel/errors.ts';
import type { Failure } from './box-run.ts';

const REASONS: Readonly<Partial<Record<ErrorCode, EndReason>>> = {
  PATCH_REFUSED: 'patch_refused',
  OUTPUTS_INVALID: 'invalid_output',
  SANDBOX_UNAVAILABLE: 'sandbox',
  PROVIDER_UNAVAILABLE: 'provider_error',
  CONFLICT: 'base_conflict',
  INVALID_REQUEST: 'denied',
};

/** An error in the middle of an attempt as its end. What has no name of its own is `internal`, and is tried again. */
export function failureOf(error: unknown): Failure {
  if (error instanceof AppError) {
    const detail = [error.message, error.remedy].filter(Boolean).join(' ');
    return { reason: REASONS[error.code] ?? 'internal', detail };
  }
  return { reason: 'internal', detail: error instanceof Error ? error.message : String(error) };
}
