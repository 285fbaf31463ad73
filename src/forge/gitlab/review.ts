import { AppError } from '../../kernel/errors.ts';
import type { ForgeRepo } from '../forge.ts';
import type { ForgeMergeRequest } from '../tracker.ts';
import type { GitlabClient } from './client.ts';
import { getMergeRequest } from './merge-requests.ts';
import { findNote, lookUp, putNote, withMarker } from './notes.ts';
import type { People } from './people.ts';

export interface LineComment {
  readonly marker: string;
  readonly path: string;
  /** Of the new side. */
  readonly line: number;
  readonly body: string;
}

/**
 * Starts a thread on a line of a merge request's diff, once. A line that the diff does not show, or that moved, has
 * its comment as a plain note that names it.
 *
 * @returns whether it stands on its line
 */
export async function commentOnLine(
  deps: { client: GitlabClient; people: People },
  repo: ForgeRepo,
  { number, comment }: { number: number; comment: LineComment },
  signal: AbortSignal,
): Promise<{ onLine: boolean }> {
  const target = { kind: 'merge_request', number } as const;
  const { marker, path, line, body } = comment;
  if (await findNote(deps, repo, { target, marker }, signal)) {
    return { onLine: true };
  }
  const request = await getMergeRequest(deps, repo, number, signal);
  if (request.diff !== undefined) {
    try {
      await startThread(deps.client, repo, { request, diff: request.diff, comment }, signal);
      return { onLine: true };
    } catch (error) {
      if (!isRefusedPosition(error)) {
        await lookUp(error, () => findNote(deps, repo, { target, marker }, signal));
        return { onLine: true };
      }
    }
  }
  const named = `\`${path.replaceAll('`', "'")}\`, line ${line}:\n\n${body}`;
  await putNote(deps, repo, { target, marker, body: named }, signal);
  return { onLine: false };
}

async function startThread(
  client: GitlabClient,
  repo: ForgeRepo,
  {
    request,
    diff,
    comment: { marker, path, line, body },
  }: {
    request: ForgeMergeRequest;
    diff: NonNullable<ForgeMergeRequest['diff']>;
    comment: LineComment;
  },
  signal: AbortSignal,
): Promise<void> {
  const project = encodeURIComponent(repo.location);
  // gitbeaker would send a position as a form.
  await client.send(
    {
      method: 'POST',
      path: `projects/${project}/merge_requests/${request.number}/discussions`,
      body: JSON.stringify({
        body: withMarker(marker, body),
        position: {
          position_type: 'text',
          base_sha: diff.base,
          start_sha: diff.start,
          head_sha: diff.head,
          old_path: path,
          new_path: path,
          new_line: line,
        },
      }),
      repeatable: false,
      expects: 'json',
    },
    signal,
  );
}

/** GitLab answers 400 for most positions that it cannot find. */
function isRefusedPosition(error: unknown): boolean {
  return error instanceof AppError && error.code === 'FORGE_REFUSED';
}
