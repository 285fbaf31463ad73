import { checkChange, describeRefusal } from '../domain/change-check.ts';
import type { Output } from '../domain/output.ts';
import { checkOutputs, deriveMergeRequest, type OutputLine } from '../domain/outputs.ts';
import type { MatchesGlob } from '../domain/protected-paths.ts';
import type { Failure } from './box-run.ts';
import type { ClaimedAttempt } from './claim.ts';
import type { Result } from './take-result.ts';

/**
 * Holds outputs and change against what the agent may do; anything refused refuses all. A worker that changed files
 * and wrote nothing gets a merge request titled after its task. Of a change that no output takes along nothing is kept.
 */
export function judgeResult(
  { matches }: { matches: MatchesGlob },
  { job, spec: { allow } }: ClaimedAttempt,
  { lines, change, irregular }: { lines: readonly OutputLine[] } & Result,
):
  | { readonly failure: Failure }
  | { readonly outputs: readonly Output[]; readonly change: Result['change'] } {
  const patchBytes = change?.patch.bytes ?? 0;
  const derived = deriveMergeRequest({ lines, patchBytes, allow, title: job.title });
  const all = derived === undefined ? lines : [{ line: 0, output: derived }];
  if (all.length === 0) {
    const detail =
      patchBytes === 0
        ? 'The worker changed nothing and wrote no output.'
        : 'The worker wrote no output, and this agent may not open merge requests for what it changed.';
    return { failure: { reason: 'no_output', detail } };
  }
  const subject = job.subject?.kind ?? 'none';
  const { accepted, refusals } = checkOutputs(all, { allow, subject, patchBytes, repos: [] });
  if (refusals.length > 0) {
    const told = refusals.map(({ line, message, remedy }) => `line ${line}: ${message} ${remedy}`);
    return { failure: { reason: 'invalid_output', detail: told.join(' ') } };
  }

  const outputs = accepted.map(({ output }) => output);
  // A change leaves with a merge request, or goes on to the next agent; of others nothing is kept.
  const leaves = outputs.some(({ type }) => type === 'merge_request' || type === 'hand_off');
  if (change === undefined || !leaves || allow.merge_request === undefined) {
    return { outputs, change: undefined };
  }
  const refused = [
    ...irregular.map(
      ({ path, kind }) => `${path} is a ${kind.replaceAll('_', ' ')}; remove it or ignore it.`,
    ),
    ...checkChange(change.patch, allow, matches).map(describeRefusal),
  ];
  return refused.length > 0
    ? { failure: { reason: 'patch_refused', detail: refused.slice(0, 5).join(' ') } }
    : { outputs, change };
}
