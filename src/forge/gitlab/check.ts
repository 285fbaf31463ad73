import { Type } from 'typebox';

import { AppError } from '../../kernel/errors.ts';
import type { GitlabClient } from './client.ts';
import type { People } from './people.ts';
import { read } from './shape.ts';

/** One thing that must be right for us to work with a GitLab. */
export interface GitlabCheck {
  readonly name: 'gitlab' | 'token';
  readonly ok: boolean;
  readonly detail: string;
  readonly remedy?: string;
}

const Metadata = Type.Object({
  version: Type.String(),
  enterprise: Type.Optional(Type.Boolean()),
});
const Token = Type.Object({
  scopes: Type.Array(Type.String()),
  expires_at: Type.Optional(Type.Union([Type.String(), Type.Null()])),
});

/** `detailed_merge_status`, approvals by time and keyset paging are all there. */
const OLDEST = 16;
const SOON_DAYS = 14;

/** Asks GitLab who we are, what our token may do and until when, and how old the server is. */
export async function checkGitlab(
  { client, people }: { client: GitlabClient; people: People },
  signal: AbortSignal,
): Promise<GitlabCheck[]> {
  try {
    const answer: unknown = await client.api(signal).metadata.show();
    const { version, enterprise } = read(Metadata, answer, 'its version');
    return [
      serverCheck(client.url, version, enterprise ?? false),
      await tokenCheck({ client, people }, signal),
    ];
  } catch (error) {
    if (!(error instanceof AppError)) {
      throw error;
    }
    const name = error.code === 'FORGE_UNAUTHORIZED' ? 'token' : 'gitlab';
    const { message: detail, remedy } = error;
    return [{ name, ok: false, detail, ...(remedy !== undefined && { remedy }) }];
  }
}

function serverCheck(url: string, version: string, enterprise: boolean): GitlabCheck {
  const major = Number.parseInt(version, 10);
  return {
    name: 'gitlab',
    ok: major >= OLDEST,
    detail: `${url}, version ${version}${enterprise ? '' : ', without a licence'}`,
    remedy: `Bring GitLab to version ${OLDEST} or newer.`,
  };
}

async function tokenCheck(
  { client, people }: { client: GitlabClient; people: People },
  signal: AbortSignal,
): Promise<GitlabCheck> {
  const self = await people.self(signal);
  const answer: unknown = await client.api(signal).tokens.show();
  const token = read(Token, answer, 'our token');
  const daysLeft = daysUntil(token.expires_at ?? undefined, client.clock.now());
  const until =
    daysLeft === undefined ? 'without an end' : `for ${Math.max(daysLeft, 0)} more days`;
  const who = `${self.username}, ${token.scopes.join(' ')}, ${until}`;
  const wrong = (detail: string, remedy: string): GitlabCheck => ({
    name: 'token',
    ok: false,
    detail: `${who}: ${detail}`,
    remedy,
  });
  if (!token.scopes.includes('api')) {
    return wrong('the scope `api` is missing', 'Make a token with the scope `api`.');
  }
  if (self.admin) {
    return wrong(
      'it is an administrator’s',
      'Use an account of its own with the role Developer: an agent must not be able to do more.',
    );
  }
  if (daysLeft !== undefined && daysLeft <= SOON_DAYS) {
    return wrong('it ends soon', 'Rotate it, and write the new one to GITLAB_TOKEN_FILE.');
  }
  return { name: 'token', ok: true, detail: who };
}

function daysUntil(day: string | undefined, now: Date): number | undefined {
  const end = day === undefined ? Number.NaN : Date.parse(day);
  return Number.isNaN(end) ? undefined : Math.floor((end - now.getTime()) / 86_400_000);
}
