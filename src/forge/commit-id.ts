import { AppError } from '../kernel/errors.ts';

/** A full object id, in either of git's hashes. */
export function isCommitId(text: string): boolean {
  return /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(text);
}

/** Refuses what git could take for an option, a ref or a range. */
export function requireCommitId(commit: string): string {
  if (!isCommitId(commit)) {
    throw new AppError('INVALID_REQUEST', `${commit} is not a full commit id.`);
  }
  return commit;
}
