/**
 * Every failure the product can name. A code is public API: it is stored in job
 * rows, returned over HTTP, printed by the CLI and alerted on. Never rename one.
 *
 * `http` is the status an API route answers with, `exit` the exit code of a command,
 * `retry` whether the same call may succeed later without anybody changing anything.
 */
const ERRORS = {
  USAGE: { http: 400, exit: 64, retry: false },
  INVALID_REQUEST: { http: 400, exit: 1, retry: false },
  UNAUTHORIZED: { http: 401, exit: 1, retry: false },
  FORBIDDEN: { http: 403, exit: 1, retry: false },
  NOT_FOUND: { http: 404, exit: 1, retry: false },
  CONFLICT: { http: 409, exit: 1, retry: false },
  BUSY: { http: 409, exit: 1, retry: true },
  TOO_LARGE: { http: 413, exit: 1, retry: false },
  CONFIG_INVALID: { http: 422, exit: 3, retry: false },
  POLICY_VIOLATION: { http: 422, exit: 4, retry: false },
  SETTINGS_INVALID: { http: 500, exit: 64, retry: false },
  TIMEOUT: { http: 504, exit: 5, retry: true },
  UNAVAILABLE: { http: 503, exit: 1, retry: true },
  SCHEMA_NEWER: { http: 500, exit: 1, retry: false },
  SOURCE_UNREADABLE: { http: 502, exit: 1, retry: true },
  GIT_FAILED: { http: 502, exit: 1, retry: true },
  /** The forge could not be reached, or did not answer in time. */
  FORGE_UNREACHABLE: { http: 502, exit: 1, retry: true },
  FORGE_RATE_LIMITED: { http: 503, exit: 1, retry: true },
  /** Our token is not accepted. It is read again from its file, so a rotated one is found without anybody. */
  FORGE_UNAUTHORIZED: { http: 502, exit: 1, retry: true },
  /** Our token is accepted and may not do this. */
  FORGE_FORBIDDEN: { http: 502, exit: 1, retry: false },
  /** Not there, or not to be seen by us: the forge does not tell one from the other. */
  FORGE_NOT_FOUND: { http: 502, exit: 1, retry: false },
  FORGE_CONFLICT: { http: 409, exit: 1, retry: false },
  /** The forge understood and said no. */
  FORGE_REFUSED: { http: 502, exit: 1, retry: false },
  /** What came was no answer of the forge: a page, half of one, other fields than agreed. */
  FORGE_BAD_ANSWER: { http: 502, exit: 1, retry: true },
  FORGE_REDIRECTED: { http: 502, exit: 1, retry: false },
  /** A write whose answer was lost: whether it was carried out has to be looked up before it is tried again. */
  FORGE_UNCERTAIN: { http: 502, exit: 1, retry: true },
  BRANCH_MOVED: { http: 409, exit: 1, retry: true },
  WORKING_COPY_DIRTY: { http: 409, exit: 1, retry: false },
  PATCH_REFUSED: { http: 422, exit: 1, retry: false },
  OUTPUTS_INVALID: { http: 422, exit: 1, retry: false },
  SANDBOX_UNAVAILABLE: { http: 503, exit: 1, retry: false },
  /** The program of a provider is not on this machine. */
  PROVIDER_UNAVAILABLE: { http: 503, exit: 1, retry: false },
  /** A bug: what it was stands in the log of the process that answered. */
  INTERNAL: { http: 500, exit: 1, retry: false },
  DATA_DIR_UNUSABLE: { http: 500, exit: 1, retry: false },
  DATABASE_UNAVAILABLE: { http: 503, exit: 1, retry: true },
} as const satisfies Record<string, { http: number; exit: number; retry: boolean }>;

export type ErrorCode = keyof typeof ERRORS;

interface AppErrorOptions {
  cause?: unknown;
  /** What to do about it, as a sentence or a command; printed after the message. */
  remedy?: string;
  details?: Record<string, unknown>;
}

/** An expected failure. Anything else that is thrown is a bug and crashes the process. */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly remedy: string | undefined;
  readonly details: Record<string, unknown>;

  constructor(
    code: ErrorCode,
    message: string,
    { cause, remedy, details = {} }: AppErrorOptions = {},
  ) {
    super(message, { cause });
    this.code = code;
    this.remedy = remedy;
    this.details = details;
  }

  get httpStatus(): number {
    return ERRORS[this.code].http;
  }

  get exitCode(): number {
    return ERRORS[this.code].exit;
  }

  get retryable(): boolean {
    return ERRORS[this.code].retry;
  }
}

/** Whether a code read from outside (a problem document) is one of ours. */
export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(ERRORS, code);
}
