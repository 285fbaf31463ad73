import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

import type { HookOutcome } from '../db/hook-tally.ts';
import { claimedProject, hookToken } from '../forge/hook-token.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';

/** What proves that a delivery is GitLab's. Either may hold several values, apart by spaces, while one is replaced. */
export interface HookSecrets {
  readonly signingToken?: string | undefined;
  readonly secret?: string | undefined;
}

type Refused = Extract<
  HookOutcome,
  'no_signature' | 'bad_signature' | 'stale' | 'no_token' | 'bad_token'
>;

/** Judges one delivery, first by its headers alone, so that nobody unknown makes us read a body. */
export interface Guard {
  /** Why the delivery is refused before its body is read; undefined: it may go on. */
  judgeHead(headers: IncomingHttpHeaders): Refused | undefined;
  /** Why it is refused now that the body is here. */
  judgeBody(headers: IncomingHttpHeaders, body: Buffer): Refused | undefined;
  /** Whether what it proved is enough to speak of this project. */
  covers(headers: IncomingHttpHeaders, project: string): boolean;
}

/** Standard Webhooks: how far the sender's clock and ours may be apart, and how long a copy may be sent again. */
const TOLERANCE_S = 300;
/** A header may hold a signature for each of the sender's keys; nobody has more. */
const MOST_SIGNATURES = 8;
const LEAST_KEY_BYTES = 16;

/**
 * Signed deliveries where a signing token is set: then nothing else is accepted, or anybody could leave the signature
 * out. Else the token that is derived for each project from the secret. `secrets` is asked for each delivery, so that
 * a mounted file may change.
 *
 * @throws {AppError} SETTINGS_INVALID when neither is set, or one of them cannot be what it should be: a receiver
 * that believes everybody must not start
 */
export function createGuard({ clock }: { clock: Clock }, secrets: () => HookSecrets): Guard {
  // Judged now as well: a bad value should end the start, not the first delivery.
  const first = secrets();
  if (first.signingToken !== undefined) {
    const keys = lastGood(signingKeys, first.signingToken);
    return signatureGuard({ clock }, () => keys(secrets().signingToken));
  }
  if (first.secret !== undefined) {
    const values = lastGood(sharedSecrets, first.secret);
    return tokenGuard(() => values(secrets().secret));
  }
  throw new AppError(
    'SETTINGS_INVALID',
    'neither GITLAB_WEBHOOK_SIGNING_TOKEN nor GITLAB_WEBHOOK_SECRET is set, so anybody could send events',
    {
      remedy:
        'Set GITLAB_WEBHOOK_SIGNING_TOKEN to the signing token of the hooks (GitLab 19 and newer), or GITLAB_WEBHOOK_SECRET to a long random text.',
    },
  );
}

function signatureGuard({ clock }: { clock: Clock }, keys: () => readonly Buffer[]): Guard {
  return {
    judgeHead(headers) {
      const [id, at, signature] = [
        text(headers['webhook-id']),
        text(headers['webhook-timestamp']),
        text(headers['webhook-signature']),
      ];
      if (id === '' || at === '' || signature === '') {
        return 'no_signature';
      }
      const seconds = /^\d{1,12}$/.test(at) ? Number(at) : Number.NaN;
      const apart = Math.abs(clock.now().getTime() / 1000 - seconds);
      return apart <= TOLERANCE_S ? undefined : 'stale';
    },
    judgeBody(headers, body) {
      const signed = `${text(headers['webhook-id'])}.${text(headers['webhook-timestamp'])}.`;
      const given = text(headers['webhook-signature'])
        .split(' ')
        .slice(0, MOST_SIGNATURES)
        .filter((signature) => signature.startsWith('v1,'))
        .map((signature) => Buffer.from(signature.slice('v1,'.length), 'base64'));
      let isGood = false;
      for (const key of keys()) {
        const right = createHmac('sha256', key).update(signed).update(body).digest();
        for (const signature of given) {
          // Every pair is compared, whichever was right.
          isGood =
            (signature.length === right.length && timingSafeEqual(signature, right)) || isGood;
        }
      }
      return isGood ? undefined : 'bad_signature';
    },
    // GitLab signed the whole body, and wrote the project into it.
    covers: () => true,
  };
}

function tokenGuard(secrets: () => readonly string[]): Guard {
  return {
    judgeHead(headers) {
      const token = text(headers['x-gitlab-token']);
      if (token === '') {
        return 'no_token';
      }
      // Also where no project is named: the answer must not tell by its time how far a guess came.
      const project = claimedProject(token) ?? '0';
      let isGood = false;
      for (const secret of secrets()) {
        isGood = timingSafeEqual(sha256(token), sha256(hookToken(secret, project))) || isGood;
      }
      return isGood ? undefined : 'bad_token';
    },
    judgeBody: () => undefined,
    covers: (headers, project) => claimedProject(text(headers['x-gitlab-token'])) === project,
  };
}

/** `whsec_` and base64 of the key, as GitLab shows it once. */
function signingKeys(tokens: string): readonly Buffer[] {
  return words(tokens).map((token) => {
    const base64 = /^whsec_([A-Za-z0-9+/_-]+={0,2})$/.exec(token)?.[1] ?? '';
    const key = Buffer.from(base64, 'base64');
    if (key.length < LEAST_KEY_BYTES) {
      throw new AppError('SETTINGS_INVALID', 'GITLAB_WEBHOOK_SIGNING_TOKEN is no signing token', {
        remedy:
          'Copy it as GitLab shows it: `whsec_` and base64. While it is being replaced: the new and the old one, with a space between.',
      });
    }
    return key;
  });
}

function sharedSecrets(secrets: string): readonly string[] {
  const values = words(secrets);
  if (values.length === 0 || values.some((value) => value.length < LEAST_KEY_BYTES)) {
    throw new AppError('SETTINGS_INVALID', 'GITLAB_WEBHOOK_SECRET is too short to be a secret', {
      remedy: `Use at least ${LEAST_KEY_BYTES} random characters: \`openssl rand -hex 32\`.`,
    });
  }
  return values;
}

function words(values: string): string[] {
  return values.split(/[\s,]+/).filter((word) => word !== '');
}

/**
 * What `make` makes of a value, made again only when that changed. A mounted file that is being written is half a
 * value: what stood before holds until a good one is there.
 */
function lastGood<T>(make: (of: string) => T, first: string): (of: string | undefined) => T {
  let last = { of: first, made: make(first) };
  return (of) => {
    if (of !== undefined && of !== last.of) {
      try {
        last = { of, made: make(of) };
      } catch (error) {
        if (!(error instanceof AppError)) {
          throw error;
        }
        last = { of, made: last.made };
      }
    }
    return last.made;
  };
}

function sha256(value: string): Buffer {
  return createHash('sha256').update(value).digest();
}

function text(header: string | string[] | undefined): string {
  return typeof header === 'string' ? header : '';
}
