import { AppError } from '../../kernel/errors.ts';
import type { ForgeRepo } from '../forge.ts';
import type { Git, GitAnswer, GitPlace } from '../git.ts';
import type { GitlabClient } from './client.ts';
import type { Projects } from './projects.ts';
import { basicCredentials, type TokenSource } from './token.ts';

/** Git over HTTPS, as our bot. */
export interface GitAccess {
  /**
   * Runs git with `args(url)`. A project that was renamed or moved is looked up anew, once. Failures of the
   * connection are FORGE_*; anything else stays GIT_FAILED.
   */
  run(
    repo: ForgeRepo,
    place: GitPlace,
    args: (url: string) => readonly string[],
    signal: AbortSignal,
  ): Promise<GitAnswer>;
}

/** A clone of a large repository over a slow line. */
const TIMEOUT_MS = 1_800_000;

export function createGitAccess({
  git,
  client,
  projects,
}: {
  git: Git;
  client: Pick<GitlabClient, 'url' | 'token'>;
  projects: Projects;
}): GitAccess {
  const attempt: GitAccess['run'] = async (repo, place, args, signal) => {
    const url = `${client.url}/${await projects.pathOf(repo, signal)}.git`;
    const token = await client.token.current();
    try {
      return await git.run(place, args(url), signal, {
        timeoutMs: TIMEOUT_MS,
        config: [
          `protocol.${new URL(url).protocol.slice(0, -1)}.allow=always`,
          // A redirect would carry the token to wherever it points.
          'http.followRedirects=false',
          // Less than 1 kB a second for a minute is a line that is dead.
          'http.lowSpeedLimit=1000',
          'http.lowSpeedTime=60',
        ],
        // The environment of this one process is all that ever holds it: no argument, no file, no URL.
        env: {
          GIT_CONFIG_COUNT: '1',
          GIT_CONFIG_KEY_0: `http.${client.url}/.extraHeader`,
          GIT_CONFIG_VALUE_0: `Authorization: Basic ${basicCredentials(token)}`,
        },
      });
    } catch (error) {
      throw error instanceof AppError && error.code === 'GIT_FAILED'
        ? explain(error, { repo, token: client.token })
        : error;
    }
  };
  return {
    async run(repo, place, args, signal) {
      try {
        return await attempt(repo, place, args, signal);
      } catch (error) {
        const code = error instanceof AppError ? error.code : undefined;
        if (code !== 'FORGE_REDIRECTED' && code !== 'FORGE_NOT_FOUND') {
          throw error;
        }
        projects.forgetPath(repo);
        return attempt(repo, place, args, signal);
      }
    },
  };
}

/** What git's words mean. They are in English: git runs in the C locale. */
function explain(
  error: AppError,
  { repo, token }: { repo: ForgeRepo; token: TokenSource },
): AppError {
  const { stderr: printed } = error.details;
  const stderr = typeof printed === 'string' ? printed : '';
  const said = token.redact(stderr.trim()).slice(0, 1000);
  const made = (code: ConstructorParameters<typeof AppError>[0], remedy: string): AppError =>
    new AppError(code, `git could not reach ${repo.path}: ${said}`, { remedy });
  if (/terminal prompts disabled|Authentication failed|error: 401/.test(stderr)) {
    return made(
      'FORGE_UNAUTHORIZED',
      'The token is wrong, revoked or expired: put a new one into GITLAB_TOKEN or the file of GITLAB_TOKEN_FILE.',
    );
  }
  if (/error: 403|not allowed to/.test(stderr)) {
    return made(
      'FORGE_FORBIDDEN',
      "Give the bot's account the role Developer in the project, and the token `write_repository` or `api`.",
    );
  }
  if (/error: 30\d|redirection/.test(stderr)) {
    return made('FORGE_REDIRECTED', 'Set GITLAB_URL to the address that GitLab itself uses.');
  }
  if (/error: 404|repository '.*' not found/.test(stderr)) {
    return made('FORGE_NOT_FOUND', "The project is gone, or the bot's account may not see it.");
  }
  if (
    /error: (429|5\d\d)|Could not resolve|Failed to connect|Connection (refused|reset)|timed out|early EOF|RPC failed|hung up|Empty reply|Recv failure|unexpected disconnect|invalid server response|not valid: is this a git repository/i.test(
      stderr,
    )
  ) {
    return made('FORGE_UNREACHABLE', 'It is tried again by itself.');
  }
  // Nothing of the original error is kept as a cause: its text was not looked through.
  return new AppError('GIT_FAILED', token.redact(error.message), {
    details: { ...error.details, stderr: said },
  });
}
