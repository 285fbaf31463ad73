import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

import type { FastifyRequest } from 'fastify';

import type { Queryable } from '../../db/db.ts';
import { insertSession, isLiveSession } from '../../db/sessions.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';

const COOKIE = 'autodev_session';
const SESSION_MS = 30 * 24 * 3_600_000;
const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]'];

/** Where the server listens: the only names that a request may call it by. */
interface Address {
  host: string;
  port: number;
}

interface AccessDeps {
  db: Queryable;
  clock: Clock;
  /** The content of `<data>/token`. */
  token: string;
  /** Whose sessions these are: the user of the operating system that started it. */
  operator: string;
  /** Asked for each request: a port of 0 is known only once the server listens. */
  address: () => Address;
}

export interface Access {
  /** A path that signs one browser in, once: for the line that a start prints to its terminal. */
  loginPath(): string;
  /** Uses up a nonce of `loginPath`. Answers the Set-Cookie of a session of 30 days. */
  login(nonce: string): Promise<string>;
  /**
   * Refuses a request that another site sent (DNS rebinding, a form) and then one without credentials: the
   * token for everything, or for reading a session's cookie.
   *
   * @throws {AppError} FORBIDDEN, UNAUTHORIZED
   */
  check(request: FastifyRequest): Promise<void>;
  /** Refuses a foreign Host or Origin only: for what needs no credentials. */
  checkOrigin(request: FastifyRequest): void;
}

/** The local rule: this machine's owner, known by a token in a file that only they can read. */
export function createAccess({ db, clock, token, operator, address }: AccessDeps): Access {
  const nonces = new Set<string>();

  const checkOrigin = ({ headers }: FastifyRequest): void => {
    const names = authorities(address());
    if (headers.host === undefined || !names.includes(headers.host.toLowerCase())) {
      throw new AppError('FORBIDDEN', `this server is not called ${headers.host ?? 'nothing'}`, {
        remedy: `use http://${names[0]}`,
      });
    }
    const { origin } = headers;
    if (origin !== undefined && !names.some((name) => origin === `http://${name}`)) {
      throw new AppError('FORBIDDEN', `a page of ${origin} may not call this server`);
    }
  };

  return {
    loginPath: () => {
      const nonce = randomBytes(24).toString('base64url');
      nonces.add(nonce);
      return `/login/${nonce}`;
    },

    login: async (nonce) => {
      if (!nonces.delete(nonce)) {
        throw new AppError('UNAUTHORIZED', 'this sign-in link was used already, or never existed', {
          remedy: 'run `autodev login` for a new one',
        });
      }
      const secret = randomBytes(32).toString('base64url');
      const expiresAt = new Date(clock.now().getTime() + SESSION_MS);
      await insertSession(db, { hash: sha256(secret), owner: operator, role: 'owner', expiresAt });
      return `${COOKIE}=${secret}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${SESSION_MS / 1000}`;
    },

    checkOrigin,

    check: async (request) => {
      checkOrigin(request);
      const bearer = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
      if (bearer !== undefined) {
        if (timingSafeEqual(sha256(bearer), sha256(token))) {
          return;
        }
        throw new AppError('UNAUTHORIZED', 'the token is not the one of this server', {
          remedy: 'it is in the file `token` of the data directory',
        });
      }
      const cookie = sessionCookie(request.headers.cookie);
      const reads = request.method === 'GET' || request.method === 'HEAD';
      if (reads && cookie !== undefined && (await isLiveSession(db, sha256(cookie), clock.now()))) {
        return;
      }
      throw new AppError('UNAUTHORIZED', 'this needs the token of this server', {
        remedy:
          'send `Authorization: Bearer …` with the content of the file `token` in the data directory',
      });
    },
  };
}

/** Whether a session's cookie came along: votes of a browser are recorded as the dashboard's. */
export function hasSession(request: FastifyRequest): boolean {
  return sessionCookie(request.headers.cookie) !== undefined;
}

function authorities({ host, port }: Address): string[] {
  const named = host.includes(':') ? `[${host}]` : host;
  const names = LOOPBACK.includes(named) ? [named, ...LOOPBACK] : [named];
  return names.flatMap((name) => (port === 80 ? [`${name}:80`, name] : [`${name}:${port}`]));
}

function sessionCookie(header: string | undefined): string | undefined {
  const found = header?.split(';').find((pair) => pair.trim().startsWith(`${COOKIE}=`));
  return found?.trim().slice(COOKIE.length + 1);
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
