import type { LlmApi } from './api.ts';

/** Why a call is not made. `message` is one sentence for the worker's transcript. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: RefusalStatus;

  constructor(status: RefusalStatus, message: string) {
    super(message);
    this.status = status;
  }
}

/**
 * Both CLIs end at once at 402 and 403 and say why; 401 is avoided, because Claude Code repeats it for three minutes.
 */
export type RefusalStatus = 400 | 402 | 403 | 404 | 413 | 415 | 502 | 503 | 504;

/** The error as the API's own clients expect it. */
export function errorBody(api: LlmApi | undefined, status: RefusalStatus, text: string): string {
  const message = `Auto-Dev gateway: ${text}`;
  return JSON.stringify(
    api === 'messages'
      ? { type: 'error', error: { type: MESSAGES_TYPE[status], message } }
      : { error: { message, type: RESPONSES_TYPE[status], param: null, code: CODE[status] } },
  );
}

/** A worker may try again what may succeed without anybody changing anything. */
export function isRetryable(status: RefusalStatus): boolean {
  return status >= 500;
}

const MESSAGES_TYPE: Readonly<Record<RefusalStatus, string>> = {
  400: 'invalid_request_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  415: 'invalid_request_error',
  502: 'api_error',
  503: 'overloaded_error',
  504: 'timeout_error',
};

const RESPONSES_TYPE: Readonly<Record<RefusalStatus, string>> = {
  400: 'invalid_request_error',
  402: 'insufficient_quota',
  403: 'invalid_request_error',
  404: 'invalid_request_error',
  413: 'invalid_request_error',
  415: 'invalid_request_error',
  502: 'server_error',
  503: 'server_error',
  504: 'server_error',
};

const CODE: Readonly<Record<RefusalStatus, string | null>> = {
  400: 'autodev_refused',
  402: 'insufficient_quota',
  403: 'autodev_refused',
  404: 'not_found',
  413: 'request_too_large',
  415: 'autodev_refused',
  502: null,
  503: 'server_is_overloaded',
  504: null,
};
