import type { Diagnostic } from '../config/diagnostics.ts';
import type { Wish } from '../db/own-effects.ts';
import type { Repo } from '../db/repos.ts';
import type { Condition } from '../domain/conditions.ts';
import { findCondition } from '../domain/conditions.ts';
import { codeSpan, proseLine } from '../domain/markdown.ts';
import type { ForgeCommit } from '../forge/forge.ts';
import { invalidProblems } from './plan-note-forms.ts';
import type { Finding } from './status.ts';

/** What was found on the default branch, and what was known before. */
interface Found {
  readonly repo: Repo;
  readonly commit: ForgeCommit;
  readonly finding: Finding;
  readonly before: readonly Condition[];
  /** The file as it was read. */
  readonly source: string;
  /** The revision is another than before. */
  readonly isNew: boolean;
}

/**
 * What the forge is to be told of the default branch's configuration: its commit's status, and an issue that is open
 * while something is wrong with it. Nothing while nothing changes.
 */
export function forgeWishes(found: Found): Wish[] {
  const { repo, commit, finding, before, isNew } = found;
  if (repo.forge !== 'gitlab') {
    return [];
  }
  const stalled = findCondition(before, 'Stalled')?.reason;
  const wasWrong = stalled === 'ConfigInvalid' || stalled === 'ConfigUnreviewed';
  switch (finding.kind) {
    case 'invalid':
      return [
        status(repo, commit, 'failed', firstProblem(finding.diagnostics)),
        issue(found, {
          title: 'Action required: autodev.yaml is invalid',
          body: [
            `${place(commit)} is invalid. What ran before still runs, and nothing newer is applied until it is mended.`,
            ...invalidProblems(finding.diagnostics, found.source),
          ].join('\n\n'),
        }),
      ];
    case 'unreviewed':
      return [
        status(repo, commit, 'failed', 'It came past review and is not in force'),
        issue(found, {
          title: 'Action required: autodev.yaml was changed past review',
          body: `${place(commit)} is not in force. ${proseLine(finding.reason)} What ran before still runs.\n\nBring the same change by a merge request, or approve the commit: \`autodev approvals\` shows where.`,
        }),
      ];
    case 'applied':
    case 'prune_held':
      return [
        ...(isNew ? [status(repo, commit, 'success', 'The configuration is in force')] : []),
        ...(wasWrong ? [closedIssue(found)] : []),
      ];
    case 'unreadable':
    case 'absent':
    case 'unchanged':
      return [];
    default:
      return finding satisfies never;
  }
}

function place({ sha }: ForgeCommit): string {
  return `\`autodev.yaml\` at ${codeSpan(sha.slice(0, 8))}`;
}

function status(
  repo: Repo,
  { sha }: ForgeCommit,
  state: 'success' | 'failed',
  description: string,
): Wish {
  const name = 'autodev/config';
  return {
    repoId: repo.id,
    type: 'commit_status',
    subject: `status:${repo.id}:${sha}:${name}`,
    payload: { sha, name, state, description, branch: repo.branch },
  };
}

function issue({ repo }: Found, { title, body }: { title: string; body: string }): Wish {
  const end = 'This issue follows the file and closes itself.';
  return wishIssue(repo, { title, body: `${body}\n\n${end}`, open: true });
}

function closedIssue({ repo }: Found): Wish {
  return wishIssue(repo, { title: '', body: '', open: false });
}

function wishIssue(repo: Repo, payload: { title: string; body: string; open: boolean }): Wish {
  return {
    repoId: repo.id,
    type: 'sticky_issue',
    subject: `issue:${repo.id}:config`,
    payload: { ...payload, mark: 'config' },
  };
}

function firstProblem(diagnostics: readonly Diagnostic[]): string {
  const first = diagnostics.find(({ severity }) => severity === 'error');
  return first ? `Line ${first.line}: ${first.message}` : 'The configuration is invalid';
}
