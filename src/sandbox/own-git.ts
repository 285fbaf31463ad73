import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import { GIT_SETTINGS, GIT_VARIABLES, gitFlags } from '../kernel/git-isolation.ts';

const MAX_OUTPUT_BYTES = 1024 * 1024;
const MAX_ERROR_CHARACTERS = 4000;

const ENVIRONMENT = { PATH: '/usr/local/bin:/usr/bin:/bin', ...GIT_VARIABLES };

// A bundle is taken as it is: what the lender of objects has is of no interest.
const SETTINGS = gitFlags([...GIT_SETTINGS, 'core.alternateRefsCommand=true']);

interface OwnGitCall {
  /** A bare repository of ours, never a worker's. */
  readonly repository: string;
  readonly args: readonly string[];
  readonly stdin?: Readable | undefined;
  readonly wallMs: number;
  /** Of address space; enforced on Linux. */
  readonly memoryBytes: number;
}

/**
 * Runs git on a repository of ours without hooks, configuration of others, or a way to another place. Resolves with
 * its stdout (at most 1 MiB); throws GIT_FAILED with what it said, TIMEOUT after `wallMs`.
 */
export async function runOwnGit(
  { clock }: { clock: Clock },
  { repository, args, stdin, wallMs, memoryBytes }: OwnGitCall,
  signal: AbortSignal,
): Promise<string> {
  const git = ['git', ...SETTINGS, `--git-dir=${repository}`, ...args];
  const limits = ['/usr/bin/prlimit', '--core=0:0', `--as=${memoryBytes}:${memoryBytes}`, '--'];
  const [file = 'git', ...argv] = process.platform === 'linux' ? [...limits, ...git] : git;
  const child = spawn(file, argv, { env: ENVIRONMENT, cwd: repository });
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output = `${output}${chunk.toString()}`.slice(0, MAX_OUTPUT_BYTES);
  });
  child.stderr.on('data', (chunk: Buffer) => {
    errors = `${errors}${chunk.toString()}`.slice(0, MAX_ERROR_CHARACTERS);
  });

  const over = new AbortController();
  const closed = new Promise<number | null | Error>((resolve) => {
    child.on('error', resolve);
    child.on('close', resolve);
  });
  const timer = clock.sleep(wallMs, AbortSignal.any([signal, over.signal])).then(() => {
    const inTime = over.signal.aborted;
    child.kill('SIGKILL');
    return !inTime;
  });
  // Git's own message says more than our broken pipe.
  const fed =
    stdin === undefined ? child.stdin.end() : pipeline(stdin, child.stdin).catch(() => {});
  const code = await closed;
  over.abort();
  await fed;

  if ((await timer) || signal.aborted) {
    const why = signal.aborted ? 'because we were told to stop' : `after ${wallMs} ms`;
    throw new AppError('TIMEOUT', `git ${args[0]} was ended ${why}`);
  }
  if (code !== 0) {
    const reason = code instanceof Error ? code.message : errors.trim() || `code ${code}`;
    throw new AppError('GIT_FAILED', `git ${args[0]} failed: ${reason}`);
  }
  return output;
}
