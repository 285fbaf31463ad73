import type { Group, Project } from './records.ts';

/** Which events a hook asks for, by the API's names. */
export const HOOK_FLAGS = [
  'push_events',
  'tag_push_events',
  'merge_requests_events',
  'issues_events',
  'confidential_issues_events',
  'note_events',
  'confidential_note_events',
  'pipeline_events',
  'job_events',
  'deployment_events',
  'releases_events',
  'emoji_events',
  'wiki_page_events',
  'feature_flag_events',
  'resource_access_token_events',
  'member_events',
  'project_events',
  'subgroup_events',
] as const;

export type HookFlag = (typeof HOOK_FLAGS)[number];

/** Flags that only group hooks have. */
export const GROUP_FLAGS: ReadonlySet<HookFlag> = new Set([
  'member_events',
  'project_events',
  'subgroup_events',
]);

export interface Hook {
  readonly id: number;
  /** The same in every delivery of this hook: it identifies the hook, never a delivery. */
  readonly uuid: string;
  readonly owner: { readonly project: Project } | { readonly group: Group };
  url: string;
  name: string;
  description: string;
  token: string | undefined;
  /** `whsec_` and base64 of the key; deliveries are then signed. */
  signingToken: string | undefined;
  readonly events: Set<HookFlag>;
  branchFilter: string | undefined;
  sslVerification: boolean;
  readonly createdAt: Date;
  /** Failures in a row. */
  failures: number;
  disabledUntil: Date | undefined;
}

/** One attempt to deliver an event, as the hook's log keeps it. */
export interface Delivery {
  readonly id: number;
  readonly hook: Hook;
  /** The log's name of the event: `push_hooks`, `merge_request_hooks`. */
  readonly trigger: string;
  /** The same for every attempt of one event at one hook. */
  readonly idempotencyKey: string;
  readonly event: string;
  readonly payload: unknown;
  readonly requestHeaders: Readonly<Record<string, string>>;
  readonly at: Date;
  /** The HTTP status, or what went wrong before there was one. */
  readonly status: number | 'internal error';
  readonly responseHeaders: Readonly<Record<string, string>>;
  readonly responseBody: string;
  readonly durationMs: number;
}

const FAILURES_UNTIL_PAUSED = 4;
const FAILURES_UNTIL_DISABLED = 40;
const FIRST_PAUSE_MS = 60_000;
const LONGEST_PAUSE_MS = 24 * 60 * 60 * 1000;

export function alertStatus(
  hook: Hook,
  now: Date,
): 'executable' | 'disabled' | 'temporarily_disabled' {
  if (hook.failures >= FAILURES_UNTIL_DISABLED) {
    return 'disabled';
  }
  return hook.disabledUntil !== undefined && hook.disabledUntil > now
    ? 'temporarily_disabled'
    : 'executable';
}

/** A 2xx forgives everything; four failures in a row pause the hook for longer and longer, forty for good. */
export function countResult(hook: Hook, succeeded: boolean, now: Date): void {
  if (succeeded) {
    hook.failures = 0;
    hook.disabledUntil = undefined;
    return;
  }
  hook.failures += 1;
  if (hook.failures >= FAILURES_UNTIL_PAUSED) {
    const pauseMs = Math.min(
      FIRST_PAUSE_MS * 2 ** (hook.failures - FAILURES_UNTIL_PAUSED),
      LONGEST_PAUSE_MS,
    );
    hook.disabledUntil = new Date(now.getTime() + pauseMs);
  }
}
