import { AppError } from '../../kernel/errors.ts';
import type { RedisAddress } from './address.ts';

/**
 * What went wrong, for logs and people. Built anew: the client's errors carry the command that failed, which for a
 * refused login is the password.
 */
export function redisFailure({ name, password }: RedisAddress, error: unknown): AppError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const text = error instanceof Error ? error.message : String(error);
  const said = password === undefined ? text : text.replaceAll(password, '***');
  const reason = said.includes(code) ? said : `${code}: ${said}`;
  return new AppError('UNAVAILABLE', `Redis at ${name}: ${reason.slice(0, 200)}`, {
    remedy: remedyFor(text),
  });
}

function remedyFor(text: string): string {
  if (/^(WRONGPASS|NOAUTH|ERR invalid password)/.test(text)) {
    return 'Correct user and password in REDIS_URL.';
  }
  if (text.startsWith('NOPERM')) {
    return 'Allow the user ping, publish, subscribe and unsubscribe on the channels `autodev:*`.';
  }
  if (/certificate|self-signed/i.test(text)) {
    return "Have the server's certificate signed by an authority that is trusted here (NODE_EXTRA_CA_CERTS).";
  }
  return 'Start it, or unset REDIS_URL; until then orders are found by a poll, within a second.';
}
