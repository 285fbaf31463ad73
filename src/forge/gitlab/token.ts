import { readFile, stat } from 'node:fs/promises';

import { AppError } from '../../kernel/errors.ts';

/** Our token, as it is now. */
export interface TokenSource {
  /** A mounted file is read again once it has changed, so a rotated token is used without a restart. */
  current(): Promise<string>;
  /** Takes every token that was ever ours out of a text, also as git sends it. */
  redact(text: string): string;
}

const HIDDEN = '[GITLAB_TOKEN]';

export function createTokenSource({
  value,
  file,
}: {
  value: string;
  /** Where `value` was read from; undefined: from the environment, for good. */
  file?: string | undefined;
}): TokenSource {
  let token = value;
  let stamp = '';
  const known = new Set<string>();
  const learn = (next: string): string => {
    token = next;
    known.add(next);
    known.add(basicCredentials(next));
    known.add(encodeURIComponent(next));
    return next;
  };
  learn(value);

  return {
    async current() {
      if (file === undefined) {
        return token;
      }
      try {
        const { mtimeMs, ino, size } = await stat(file);
        const now = `${mtimeMs} ${ino} ${size}`;
        if (now !== stamp) {
          const content = (await readFile(file, 'utf8')).trim();
          // A file that is being written: the next call sees it whole.
          if (content !== '') {
            learn(content);
            stamp = now;
          }
        }
        return token;
      } catch (cause) {
        throw new AppError('FORGE_UNAUTHORIZED', `GITLAB_TOKEN_FILE: ${file} cannot be read.`, {
          cause,
          remedy: 'Mount the file again; it is read anew with the next request.',
        });
      }
    },
    redact(text) {
      let clean = text;
      for (const secret of known) {
        clean = clean.replaceAll(secret, HIDDEN);
      }
      return clean;
    },
  };
}

/** What git's HTTP sends as `Authorization: Basic`; GitLab takes any user name with a token. */
export function basicCredentials(token: string): string {
  return Buffer.from(`oauth2:${token}`).toString('base64');
}
