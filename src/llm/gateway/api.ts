import type { PricedProvider } from '../prices.ts';

/** The two ways to talk to a model: OpenAI's Responses, Anthropic's Messages. */
export type LlmApi = 'responses' | 'messages';

export const PROVIDER_OF: Readonly<Record<LlmApi, PricedProvider>> = {
  responses: 'codex',
  messages: 'claude',
};

/**
 * Where each lives below a provider's base URL, as the providers' own SDKs put it: `OPENAI_BASE_URL` ends with the
 * version, `ANTHROPIC_BASE_URL` does not.
 */
export const UPSTREAM_PATH: Readonly<Record<LlmApi, string>> = {
  responses: '/responses',
  messages: '/v1/messages?beta=true',
};

const APIS: ReadonlyMap<string, LlmApi> = new Map([
  ['/v1/responses', 'responses'],
  ['/v1/messages', 'messages'],
  ['/v1/messages?beta=true', 'messages'],
]);

/** Which API a worker asks for by its path; undefined: one that is not offered. */
export function apiOf(url: string | undefined): LlmApi | undefined {
  return APIS.get(url ?? '');
}

/** What of a worker's headers goes on; all else is dropped, its token and what identifies this machine first. */
export const FORWARDED_HEADERS: Readonly<Record<LlmApi, readonly string[]>> = {
  responses: [
    'accept',
    'user-agent',
    'originator',
    'session-id',
    'thread-id',
    'x-openai-internal-codex-responses-lite',
  ],
  messages: [
    'accept',
    'user-agent',
    'anthropic-version',
    'x-app',
    'anthropic-dangerous-direct-browser-access',
  ],
};

/** Betas that a worker may ask for: what Claude Code 2.1.330 sends, each seen with its fields. */
export const KNOWN_BETAS: readonly string[] = [
  'claude-code-20250219',
  'interleaved-thinking-2025-05-14',
  'context-management-2025-06-27',
  'thinking-token-count-2026-05-13',
  'thinking-display-updates-2026-08-18',
  'effort-2025-11-24',
  'mid-conversation-tool-changes-2026-07-01',
];

/** What of a provider's headers a worker gets to see: how to go on after a limit, and what to quote to support. */
export const ANSWERED_HEADERS =
  /^(retry-after(-ms)?|x-should-retry|request-id|x-request-id|x-codex-.+|x-ratelimit-.+|anthropic-ratelimit-.+)$/;
