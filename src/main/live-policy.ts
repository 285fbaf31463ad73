import { readFile, stat } from 'node:fs/promises';

import type { LoadedPolicy, PolicyResult } from '../config/policy.ts';
import { loadPolicy, localPolicy } from '../config/policy.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import type { Service } from '../kernel/service.ts';
import { aborted } from '../kernel/service.ts';

const POLL_MS = 1000;

/** The policy as it is in force at this moment: its properties change when the file does. */
export interface LivePolicy extends LoadedPolicy, Disposable {
  /** Resolves when another one is in force, or when `signal` aborts. */
  readonly changed: (signal: AbortSignal) => Promise<void>;
  /** Why the file as it stands is not in force; undefined while it is. */
  readonly problem: () => string | undefined;
}

/**
 * Reads the policy file and follows it; without one, what one machine allows holds. Broken at the start means no
 * start (SETTINGS_INVALID); broken later, or gone, the last good one stays.
 */
export async function openPolicy(
  { clock, log }: { clock: Clock; log: Log },
  file: string | undefined,
  { pollMs = POLL_MS }: { pollMs?: number } = {},
): Promise<LivePolicy> {
  let current = file === undefined ? localPolicy() : await readPolicy(file);
  let problem: string | undefined;
  const waiting = new Set<() => void>();
  const stop = new AbortController();

  const look = async (path: string): Promise<void> => {
    let next: PolicyResult;
    try {
      next = loadPolicy(await readFile(path), path);
    } catch (error) {
      problem = `${path} cannot be read`;
      log.error({ err: error, file: path }, 'the policy cannot be read, the last good one stays');
      return;
    }
    if (!next.ok) {
      problem = invalid(path, next).message;
      log.error({ file: path, problem }, 'the policy is invalid, the last good one stays');
      return;
    }
    problem = undefined;
    current = next.policy;
    log.info({ file: path }, 'another policy is in force');
    const woken = [...waiting];
    waiting.clear();
    woken.forEach((wake) => wake());
  };
  const follow = async (path: string): Promise<void> => {
    let seen = await versionOf(path);
    while (!stop.signal.aborted) {
      await clock.sleep(pollMs, stop.signal);
      const now = await versionOf(path);
      if (now !== seen && !stop.signal.aborted) {
        seen = now;
        await look(path);
      }
    }
  };
  if (file !== undefined) {
    // It catches what may fail; anything else is a bug, and ends the process.
    void follow(file);
  }

  return {
    get policy() {
      return current.policy;
    },
    get file() {
      return current.file;
    },
    get lineOf() {
      return current.lineOf;
    },
    changed: async (signal) => {
      let wake = (): void => {};
      const told = new Promise<void>((resolve) => (wake = resolve));
      waiting.add(wake);
      await Promise.race([told, aborted(signal)]);
      waiting.delete(wake);
    },
    problem: () => problem,
    [Symbol.dispose]: () => stop.abort(),
  };
}

/** Runs a service that was made for the policy in force, and makes it anew whenever that changes. */
export function underPolicy(policy: LivePolicy, make: () => Service): Service {
  return async (signal) => {
    while (!signal.aborted) {
      const stop = new AbortController();
      const both = AbortSignal.any([signal, stop.signal]);
      const running = make()(both);
      try {
        await Promise.race([running, policy.changed(both)]);
      } finally {
        stop.abort();
        await running;
      }
    }
  };
}

async function readPolicy(file: string): Promise<LoadedPolicy> {
  const source = await readFile(file).catch((cause: unknown) => {
    throw new AppError('SETTINGS_INVALID', `the policy ${file} cannot be read`, {
      cause,
      remedy: 'Correct AUTODEV_POLICY, or unset it.',
    });
  });
  const result = loadPolicy(source, file);
  if (!result.ok) {
    throw invalid(file, result);
  }
  return result.policy;
}

function invalid(file: string, { diagnostics }: PolicyResult): AppError {
  const [first] = diagnostics;
  return new AppError(
    'SETTINGS_INVALID',
    `the policy ${file}:${first?.line ?? 1} is invalid: ${first?.message ?? ''}`,
    first && { remedy: first.remedy },
  );
}

/** Another version is another file, or the same one written again; a mounted one is replaced by a link. */
async function versionOf(file: string): Promise<string> {
  try {
    const { ino, size, mtimeMs } = await stat(file);
    return `${ino} ${size} ${mtimeMs}`;
  } catch {
    return 'none';
  }
}
