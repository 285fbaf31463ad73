import { AppError } from '../../kernel/errors.ts';

/** Where a server is and who we are there; `name` is for logs and people and holds no secret. */
export interface RedisAddress {
  readonly host: string;
  readonly port: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly tls: boolean;
  readonly name: string;
}

const PORT = 6379;
const REMEDY =
  'Write REDIS_URL as redis://user:password@host:6379, or rediss:// for TLS; special characters of the password percent-encoded.';

/**
 * Reads `redis://[[user]:password@]host[:port]` (`rediss:` for TLS, whose certificate is verified). A database number
 * may follow and means nothing: channels are the same in all of them.
 *
 * @throws {AppError} SETTINGS_INVALID, without the value, as it may hold a password
 */
export function readRedisUrl(text: string): RedisAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || (url.protocol !== 'redis:' && url.protocol !== 'rediss:')) {
    return refuse('is no URL of a Redis server');
  }
  if (url.hostname === '') {
    return refuse('names no host');
  }
  if (!/^\/?\d*$/.test(url.pathname) || url.search !== '' || url.hash !== '') {
    return refuse('has more than host, port and a database number');
  }
  // IPv6 comes in brackets, which are the URL's alone.
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = url.port === '' ? PORT : Number(url.port);
  return {
    host,
    port,
    username: decode(url.username),
    password: decode(url.password),
    tls: url.protocol === 'rediss:',
    name: `${url.hostname}:${port}`,
  };
}

function decode(text: string): string | undefined {
  try {
    return text === '' ? undefined : decodeURIComponent(text);
  } catch {
    return refuse('has a user or password that is not percent-encoded');
  }
}

function refuse(what: string): never {
  throw new AppError('SETTINGS_INVALID', `REDIS_URL ${what}`, { remedy: REMEDY });
}
