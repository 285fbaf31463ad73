import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';

import { simpleGit } from 'simple-git';

import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import { GIT_SETTINGS, GIT_VARIABLES, gitFlags } from '../kernel/git-isolation.ts';

/** Where a git process runs, and as whom. */
export interface GitPlace {
  readonly cwd: string;
  /** Exact folders that git may trust although somebody else owns them. */
  readonly safeDirectories?: readonly string[];
  /** The user to run as; only root may set it. */
  readonly as?: { readonly uid: number; readonly gid: number } | undefined;
}

interface GitOptions {
  /** Exit codes that are answers, not failures. Default: 0. */
  readonly answers?: readonly number[];
  /** `-c` settings besides the safe ones, as `key=value`. */
  readonly config?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Ends the process with TOO_LARGE when it prints more. Default: 64 MiB. */
  readonly maxBytes?: number;
  /** Ends the process with TIMEOUT. Default: 2 minutes. */
  readonly timeoutMs?: number;
}

export interface GitAnswer {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Runs git with nothing of the machine's or a user's settings, no hook, no prompt and no lock for reads. */
export interface Git {
  run(
    place: GitPlace,
    args: readonly string[],
    signal: AbortSignal,
    options?: GitOptions,
  ): Promise<GitAnswer>;
  /** The trimmed standard output of `run`. */
  text(
    place: GitPlace,
    args: readonly string[],
    signal: AbortSignal,
    options?: GitOptions,
  ): Promise<string>;
  /** `git A | git B` without holding what flows between; answers B's output. Only a failure of B or A rejects. */
  pipe(
    place: GitPlace,
    from: readonly string[],
    to: readonly string[],
    signal: AbortSignal,
    options?: GitOptions,
  ): Promise<string>;
}

const MAX_BYTES = 64 * 1024 * 1024;
const TIMEOUT_MS = 120_000;
const STDERR_BYTES = 16 * 1024;

/** `path` is the PATH in which git and its own programs are looked up. */
export function createGit({ path, clock }: { path: string; clock: Clock }): Git {
  const run: Git['run'] = async (place, args, signal, options = {}) => {
    const { answers = [0], maxBytes = MAX_BYTES, timeoutMs = TIMEOUT_MS } = options;
    requireFolder(place.cwd, args);
    using stop = stopper(clock, signal, timeoutMs);
    const env = environment(path, options.env);
    stop.throwIfStopped(args);

    const stdout = bounded(maxBytes, () => stop.stop('too_large'));
    const stderr = bounded(STDERR_BYTES, () => {});
    let code = 0;
    const client = simpleGit({
      baseDir: place.cwd,
      abort: stop.signal,
      config: settings(place, options.config),
      ...(place.as ? { spawnOptions: place.as } : {}),
      allowEnvironment: Object.keys(env),
      // The settings below are ours, and no argument comes from outside without a check.
      unsafe: {
        allowUnsafeHooksPath: true,
        allowUnsafeFsMonitor: true,
        allowUnsafeConfigPaths: true,
        allowUnsafeProtocolOverride: true,
        allowUnsafeTemplateDir: true,
        allowUnsafePack: true,
        // Secrets of a forge come so: in the environment of the one call that needs them.
        allowUnsafeConfigEnvCount: true,
      },
      completion: { onClose: true, onExit: false },
      errors(error, result) {
        code = result.exitCode;
        return answers.includes(code) ? undefined : error;
      },
    })
      .env(env)
      .outputHandler((_command, out, err) => {
        out.on('data', stdout.take);
        err.on('data', stderr.take);
      });
    try {
      await client.raw([...args]);
    } catch (error) {
      stop.throwIfStopped(args);
      throw failure(place, args, { code, stderr: stderr.read().toString(), cause: error });
    }
    stop.throwIfStopped(args);
    return { code, stdout: stdout.read(), stderr: stderr.read().toString() };
  };

  return {
    run,
    async text(place, args, signal, options) {
      const { stdout } = await run(place, args, signal, options);
      return stdout.toString().trim();
    },
    async pipe(place, from, to, signal, options = {}) {
      const { maxBytes = MAX_BYTES, timeoutMs = TIMEOUT_MS } = options;
      requireFolder(place.cwd, from);
      using stop = stopper(clock, signal, timeoutMs);
      stop.throwIfStopped(from);

      const flags = gitFlags(settings(place, options.config));
      const start = (args: readonly string[], stdin: 'ignore' | 'pipe') =>
        spawn('git', [...flags, ...args], {
          cwd: place.cwd,
          env: environment(path, options.env),
          signal: stop.signal,
          stdio: [stdin, 'pipe', 'pipe'],
          ...place.as,
        });
      const stdout = bounded(maxBytes, () => stop.stop('too_large'));
      const source = start(from, 'ignore');
      const sink = start(to, 'pipe');
      const ends = [ended(source, from, place), ended(sink, to, place)];
      sink.stdout?.on('data', stdout.take);
      const flow =
        source.stdout && sink.stdin ? pipeline(source.stdout, sink.stdin) : Promise.resolve();

      const results = await Promise.allSettled([...ends, flow]);
      stop.throwIfStopped(from);
      for (const result of results) {
        if (result.status === 'rejected') {
          throw result.reason;
        }
      }
      return stdout.read().toString();
    },
  };
}

/** Nothing is inherited: neither the user's settings nor a GIT_DIR that a hook may have left in our environment. */
function environment(path: string, more: Readonly<Record<string, string>> = {}) {
  return {
    PATH: path,
    ...GIT_VARIABLES,
    GIT_LITERAL_PATHSPECS: '1',
    ...more,
  };
}

function settings(place: GitPlace, more: readonly string[] = []): string[] {
  return [
    ...GIT_SETTINGS,
    'protocol.file.allow=always',
    ...(place.safeDirectories ?? []).map((folder) => `safe.directory=${folder}`),
    ...more,
  ];
}

function requireFolder(cwd: string, args: readonly string[]): void {
  if (!existsSync(cwd)) {
    throw new AppError('SOURCE_UNREADABLE', `The folder ${cwd} is gone (git ${args[0]}).`, {
      remedy: 'Bring the folder back, or remove the repository with `autodev repos remove`.',
    });
  }
}

function stopper(clock: Clock, signal: AbortSignal, timeoutMs: number) {
  const own = new AbortController();
  const done = new AbortController();
  let why: 'too_large' | 'timeout' | undefined;
  const stop = (reason: 'too_large' | 'timeout'): void => {
    why ??= reason;
    own.abort();
  };
  const watch = async (): Promise<void> => {
    await clock.sleep(timeoutMs, done.signal);
    if (!done.signal.aborted) {
      stop('timeout');
    }
  };
  void watch();
  return {
    signal: AbortSignal.any([signal, own.signal]),
    stop,
    [Symbol.dispose]: () => done.abort(),
    throwIfStopped(args: readonly string[]): void {
      if (signal.aborted) {
        throw new AppError('UNAVAILABLE', `git ${args[0]} was stopped before it was done.`);
      }
      if (why === 'too_large') {
        throw new AppError('TOO_LARGE', `git ${args[0]} printed more than is allowed.`);
      }
      if (why === 'timeout') {
        throw new AppError('TIMEOUT', `git ${args[0]} took longer than ${timeoutMs / 1000} s.`);
      }
    },
  };
}

/** Keeps the first `limit` bytes and says once when there were more. */
function bounded(limit: number, onMore: () => void) {
  const chunks: Buffer[] = [];
  let left = limit;
  return {
    take: (chunk: Buffer): void => {
      if (chunk.length > left) {
        onMore();
      }
      if (left > 0) {
        chunks.push(chunk.subarray(0, left));
        left -= Math.min(left, chunk.length);
      }
    },
    read: (): Buffer => Buffer.concat(chunks),
  };
}

function ended(child: ReturnType<typeof spawn>, args: readonly string[], place: GitPlace) {
  const stderr = bounded(STDERR_BYTES, () => {});
  child.stderr?.on('data', stderr.take);
  return new Promise<void>((resolve, reject) => {
    child.once('error', (cause) => reject(failure(place, args, { code: -1, stderr: '', cause })));
    child.once('close', (code) => {
      if (code === 0) {
        resolve();
      } else {
        const text = stderr.read().toString();
        reject(failure(place, args, { code: code ?? -1, stderr: text, cause: undefined }));
      }
    });
  });
}

function failure(
  place: GitPlace,
  args: readonly string[],
  { code, stderr, cause }: { code: number; stderr: string; cause: unknown },
): AppError {
  if (cause instanceof Error && /ENOENT/.test(cause.message)) {
    return new AppError('UNAVAILABLE', 'git was not found.', {
      cause,
      remedy: 'Install git 2.38 or newer and make sure that it is on the PATH.',
    });
  }
  const said = stderr.trim() || (cause instanceof Error ? cause.message : 'no message');
  return new AppError('GIT_FAILED', `git ${args[0]} failed in ${place.cwd}: ${said}`, {
    cause,
    details: { code, stderr, args: [...args] },
  });
}
