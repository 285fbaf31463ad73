import { findCollisions } from './path-collision.ts';
import { protectingPattern, type MatchesGlob } from './protected-paths.ts';
import { findTextProblem } from './text-problem.ts';
import { unsafePathReason } from './unsafe-path.ts';

/** One file of a change, as `git diff --raw` and `--numstat` list it. */
export interface PatchEntry {
  readonly path: string;
  /** The other side of a rename or copy. */
  readonly oldPath?: string;
  /** Added, modified, deleted, renamed, copied, type changed. */
  readonly status: 'A' | 'M' | 'D' | 'R' | 'C' | 'T';
  /** Git's modes; 000000 where a side does not exist. */
  readonly oldMode: string;
  readonly newMode: string;
  /** Of the new content, in bytes. */
  readonly size: number;
  readonly binary: boolean;
  /** The lines that the change adds, without their `+`; undefined for binaries. */
  readonly addedLines?: readonly string[];
}

export interface PatchRules {
  /** Globs of paths that may change; undefined: any that is not protected. */
  readonly paths?: readonly string[];
  /** Over the new content of all files. */
  readonly maxBytes: number;
  /** Protected beside the standard list, and by ops: naming one in `paths` is no permission. */
  readonly protectedPaths?: readonly string[];
  readonly allowBinaries?: boolean;
  readonly allowExecutables?: boolean;
  /** Every path of the tree before the change: what new paths must not collide with. */
  readonly treePaths?: Iterable<string>;
  /** Must treat names that begin with a dot like any other. */
  readonly matches: MatchesGlob;
}

type PatchRefusalCode =
  | 'unsafe_path'
  | 'symlink'
  | 'submodule'
  | 'executable'
  | 'binary'
  | 'conflict_marker'
  | 'hidden_text'
  | 'secret'
  | 'protected_path'
  | 'path_not_allowed'
  | 'path_collision'
  | 'too_large';

export interface PatchRefusal {
  readonly code: PatchRefusalCode;
  /** Undefined when the change as a whole is refused. */
  readonly path?: string;
  /** Counted among the lines that the change adds to this file, from 1. */
  readonly addedLine?: number;
  readonly message: string;
  readonly remedy: string;
}

/**
 * Everything in a change that must not leave the sandbox; empty when it may. Runs before the artifact is
 * stored and again before it is published. Both sides of renames count as changed.
 */
export function checkPatch(entries: readonly PatchEntry[], rules: PatchRules): PatchRefusal[] {
  const refusals = entries.flatMap((entry) => [
    ...checkPaths(entry, rules),
    ...checkModes(entry, rules),
    ...checkContent(entry, rules),
  ]);
  for (const { path, other } of findCollisions(entries, rules.treePaths ?? [])) {
    const message = `${path} and ${other} are one name where case or unicode forms do not count.`;
    refusals.push({ code: 'path_collision', path, message, remedy: 'Choose another name.' });
  }

  const bytes = entries.reduce((sum, { status, size }) => sum + (status === 'D' ? 0 : size), 0);
  if (bytes > rules.maxBytes) {
    refusals.push({
      code: 'too_large',
      message: `The changed files have ${bytes} bytes, ${rules.maxBytes} are allowed.`,
      remedy: 'Make the task smaller, or raise allow.merge_request.max_patch.',
    });
  }
  return refusals;
}

function checkPaths(entry: PatchEntry, rules: PatchRules): PatchRefusal[] {
  const { paths, protectedPaths: extra = [], matches } = rules;
  const touched = entry.oldPath === undefined ? [entry.path] : [entry.path, entry.oldPath];

  return touched.flatMap((path): PatchRefusal[] => {
    const unsafe = unsafePathReason(path);
    if (unsafe !== undefined) {
      const message = `${JSON.stringify(path)} ${unsafe}.`;
      return [{ code: 'unsafe_path', path, message, remedy: 'Choose another name.' }];
    }
    const kept = protectingPattern(path, { patterns: extra, named: [], matches });
    if (kept !== undefined) {
      const message = `${path} is protected by the policy (${kept}).`;
      const remedy = 'A person may change it, or ops take it out of floors.protected_paths.';
      return [{ code: 'protected_path', path, message, remedy }];
    }
    const pattern = protectingPattern(path, { named: paths ?? [], matches });
    if (pattern !== undefined) {
      const message = `${path} is protected (${pattern}).`;
      const remedy = `A person may change it, or name it exactly: allow: { merge_request: { paths: [${JSON.stringify(path)}] } }`;
      return [{ code: 'protected_path', path, message, remedy }];
    }
    if (paths !== undefined && !paths.some((glob) => glob === path || matches(glob, path))) {
      const message = `${path} is outside of what this agent may change.`;
      return [
        { code: 'path_not_allowed', path, message, remedy: 'See allow.merge_request.paths.' },
      ];
    }
    return [];
  });
}

function checkModes(entry: PatchEntry, rules: PatchRules): PatchRefusal[] {
  const { path, oldMode, newMode } = entry;
  if (newMode === '120000') {
    const remedy = 'Use a copy of the file, or let a person add the link.';
    return [{ code: 'symlink', path, message: `${path} is a symbolic link.`, remedy }];
  }
  if (newMode === '160000') {
    const remedy = 'Remove the nested repository: its commits would not arrive.';
    return [{ code: 'submodule', path, message: `${path} is a repository of its own.`, remedy }];
  }
  if (newMode === '100755' && oldMode !== '100755' && rules.allowExecutables !== true) {
    const remedy = 'Run it through its interpreter, or let a person set the bit.';
    return [{ code: 'executable', path, message: `${path} becomes executable.`, remedy }];
  }
  return [];
}

function checkContent(entry: PatchEntry, rules: PatchRules): PatchRefusal[] {
  const { path, status, binary, addedLines = [] } = entry;
  if (binary && status !== 'D') {
    const remedy = 'Leave generated and media files out; a person may add them.';
    return rules.allowBinaries === true
      ? []
      : [{ code: 'binary', path, message: `${path} is a binary file.`, remedy }];
  }
  const problem = findTextProblem(addedLines);
  if (problem === undefined) {
    return [];
  }
  const { code, line, message, remedy } = problem;
  return [{ code, path, addedLine: line, message: `${path}: ${message}`, remedy }];
}
