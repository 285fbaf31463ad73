import { AppError } from '../kernel/errors.ts';

/** Refuses every name but a plain one below `autodev/`: nothing else is ever written by us. */
export function requireOwnBranch(branch: string): void {
  const plain = /^autodev\/[A-Za-z0-9][\w.+-]*(\/[A-Za-z0-9][\w.+-]*)*$/;
  if (!plain.test(branch) || /\.\.|\.lock(\/|$)|\.(\/|$)/.test(branch)) {
    throw new AppError('INVALID_REQUEST', `${branch} is not a branch name below autodev/.`);
  }
}

/** Somebody else was at a branch of ours. */
export function branchMoved(
  name: string,
  there: string | undefined,
  expected: string | undefined,
  cause?: unknown,
): AppError {
  return new AppError(
    'BRANCH_MOVED',
    `${name} is at ${there ?? 'another commit'}, not at ${expected ?? 'nothing'}.`,
    { cause, remedy: 'Somebody pushed to it: their commits stay, and the work is tried again.' },
  );
}
