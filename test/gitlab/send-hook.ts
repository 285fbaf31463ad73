import { createHmac, randomUUID } from 'node:crypto';

import type { Clock } from '../../src/kernel/clock.ts';
import type { Delivery, Hook } from './hook-records.ts';
import type { HookEvent } from './webhooks.ts';

interface SendDeps {
  readonly clock: Clock;
  readonly instance: string;
  readonly timeoutMs: number;
  readonly userAgent: string;
  readonly stop: AbortSignal;
}

/** Sends one event to one hook and tells what came back; never rejects. Redirects are not followed. */
export async function sendHook(
  { clock, instance, timeoutMs, userAgent, stop }: SendDeps,
  { hook, event, key }: { hook: Hook; event: HookEvent; key: string },
): Promise<Omit<Delivery, 'id' | 'hook' | 'idempotencyKey'>> {
  const at = clock.now();
  const body = JSON.stringify(event.payload);
  const timestamp = String(Math.floor(at.getTime() / 1000));
  const requestHeaders: Record<string, string> = {
    'Content-Type': 'application/json',
    'User-Agent': userAgent,
    'X-Gitlab-Event': event.name,
    'X-Gitlab-Instance': instance,
    'X-Gitlab-Webhook-UUID': hook.uuid,
    'X-Gitlab-Event-UUID': randomUUID(),
    'Idempotency-Key': key,
    'webhook-id': key,
    'webhook-timestamp': timestamp,
    ...(hook.token === undefined ? {} : { 'X-Gitlab-Token': hook.token }),
    ...(hook.signingToken === undefined
      ? {}
      : { 'webhook-signature': sign(hook.signingToken, `${key}.${timestamp}.${body}`) }),
  };
  const told = {
    event: event.name,
    trigger: `${event.name
      .replace(/ Hook$/, '')
      .toLowerCase()
      .replaceAll(' ', '_')}_hooks`,
    payload: event.payload,
    // The log of a real server does not show the secret either.
    requestHeaders:
      hook.token === undefined
        ? requestHeaders
        : { ...requestHeaders, 'X-Gitlab-Token': '[REDACTED]' },
    at,
  };
  try {
    const response = await fetch(hook.url, {
      method: 'POST',
      headers: requestHeaders,
      body,
      redirect: 'manual',
      signal: AbortSignal.any([stop, AbortSignal.timeout(timeoutMs)]),
    });
    const responseBody = await response.text();
    return {
      ...told,
      status: response.status,
      responseHeaders: Object.fromEntries(response.headers),
      responseBody: responseBody.slice(0, 4096),
      durationMs: clock.now().getTime() - at.getTime(),
    };
  } catch (error) {
    return {
      ...told,
      status: 'internal error',
      responseHeaders: {},
      responseBody: error instanceof Error ? error.message : String(error),
      durationMs: clock.now().getTime() - at.getTime(),
    };
  }
}

/** Standard Webhooks: HMAC-SHA256 over `id.timestamp.body`, the key in base64 behind `whsec_`. */
function sign(signingToken: string, content: string): string {
  const key = Buffer.from(signingToken.replace(/^whsec_/, ''), 'base64');
  return `v1,${createHmac('sha256', key).update(content).digest('base64')}`;
}
