import { execa } from 'execa';

/** Who a commit is by, and when. */
export interface Signature {
  readonly name: string;
  readonly email: string;
  readonly at: Date;
}

/** Runs git in one bare repository, with nothing of the machine's or a user's settings. */
export interface BareGit {
  /** The output without its last line end; rejects when git fails. */
  text(args: readonly string[], options?: GitOptions): Promise<string>;
  /** The output as it is; undefined when git says no (exit 1 or 128), as it does for what is not there. */
  maybe(args: readonly string[], options?: GitOptions): Promise<Buffer | undefined>;
  /** Exit code and output, for commands whose exit code is an answer. */
  answer(
    args: readonly string[],
    options?: GitOptions,
  ): Promise<{ code: number | undefined; stdout: string; stderr: string }>;
}

interface GitOptions {
  readonly input?: string | Buffer;
  readonly env?: Readonly<Record<string, string>>;
}

export function bareGit({ path }: { path: string }, dir: string): BareGit {
  const run = (args: readonly string[], { input, env = {} }: GitOptions = {}) =>
    execa('git', ['--git-dir', dir, ...args], {
      env: { ...gitEnvironment(path), ...env },
      extendEnv: false,
      encoding: 'buffer',
      reject: false,
      stripFinalNewline: false,
      ...(input === undefined ? { stdin: 'ignore' as const } : { input }),
    });

  return {
    async text(args, options) {
      const result = await run(args, options);
      if (result.failed) {
        throw new Error(
          `git ${args[0]} failed in ${dir}: ${Buffer.from(result.stderr).toString().trim() || result.shortMessage}`,
        );
      }
      return Buffer.from(result.stdout).toString().trimEnd();
    },
    async maybe(args, options) {
      const result = await run(args, options);
      return result.failed ? undefined : Buffer.from(result.stdout);
    },
    async answer(args, options) {
      const result = await run(args, options);
      return {
        code: result.exitCode,
        stdout: Buffer.from(result.stdout).toString(),
        stderr: Buffer.from(result.stderr).toString(),
      };
    },
  };
}

/** The environment of every git process of the server. */
export function gitEnvironment(path: string): Record<string, string> {
  return {
    PATH: path,
    HOME: '/dev/null',
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    // The folder may be another account's when the server runs as root.
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'safe.directory',
    GIT_CONFIG_VALUE_0: '*',
  };
}

export function signatureEnvironment(author: Signature, committer: Signature) {
  return {
    GIT_AUTHOR_NAME: author.name,
    GIT_AUTHOR_EMAIL: author.email,
    GIT_AUTHOR_DATE: author.at.toISOString(),
    GIT_COMMITTER_NAME: committer.name,
    GIT_COMMITTER_EMAIL: committer.email,
    GIT_COMMITTER_DATE: committer.at.toISOString(),
  };
}
