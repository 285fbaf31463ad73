import { join } from 'node:path';

import { AppError } from '../kernel/errors.ts';
import { GIT_SETTINGS, GIT_VARIABLES } from '../kernel/git-isolation.ts';
import { readWorkerFile } from './bounded-file.ts';
import type { BoxLimits, BoxSpec, Sandbox } from './sandbox.ts';
import { NODE_INSIDE, PROGRAMS_INSIDE } from './toolbox.ts';
import { handOver } from './worker-uid.ts';

const MAX_SUMMARY_BYTES = 4 * 1024 * 1024;

/**
 * For `info/attributes` of a workspace's clone: it must be checked out without filters and conversions too, or
 * every file that a `.gitattributes` would convert comes back as changed.
 */
export const PLAIN_ATTRIBUTES = '* -filter -text -ident -working-tree-encoding\n';

/** The branch of the bundle. */
export const RESULT_REF = 'refs/heads/result';

export interface CommitRequest {
  /** Host folders. `result` is an empty one of ours for this call; the caller removes it when it has the bundle. */
  readonly workspace: string;
  readonly mirror: string;
  readonly result: string;
  /** Full sha; its objects are in the mirror. */
  readonly base: string;
  readonly message: string;
  readonly author: { readonly name: string; readonly email: string };
  readonly at: Date;
  readonly hostUidSlot: number;
  readonly limits: BoxLimits;
}

/** Something in the workspace that is not part of the result. `path` is for people. */
interface Irregular {
  readonly path: string;
  readonly kind: 'nested_repository' | 'fifo' | 'socket' | 'device' | 'unreadable' | 'too_deep';
}

export interface CommitResult {
  readonly irregular: readonly Irregular[];
  /** Undefined when the final tree equals the base's. */
  readonly commit:
    | {
        readonly sha: string;
        readonly tree: string;
        /** Host path of a bundle with {@link RESULT_REF} on the base. Written by the box: import it with care. */
        readonly bundle: string;
      }
    | undefined;
}

/**
 * Makes one commit on `base` that holds the final tree of a worker's workspace, in a fresh box without network.
 * The worker's own commits, index, git configuration, hooks, attributes and filters have no say; `.gitignore` has.
 * Throws PATCH_REFUSED when the tree cannot be taken, SANDBOX_UNAVAILABLE when there is no box.
 */
export async function commitWorkspace(
  { sandbox }: { sandbox: Sandbox },
  request: CommitRequest,
): Promise<CommitResult> {
  await handOver([request.result], request.hostUidSlot);
  const box: BoxSpec = {
    binds: [
      { host: request.workspace, at: '/workspace', writable: false },
      { host: request.mirror, at: '/mirror', writable: false },
      { host: request.result, at: '/result', writable: true },
    ],
    sockets: [],
    env: {},
    cwd: '/result',
    home: '/result',
    hostUidSlot: request.hostUidSlot,
    limits: request.limits,
  };
  const at = (inside: string): string => sandbox.locate(box, inside);
  const folders = ['/result', '/workspace', '/mirror'].map(at);
  const errors: string[] = [];
  const running = await sandbox.run(
    box,
    {
      file: at(NODE_INSIDE),
      argv: [at(`${PROGRAMS_INSIDE}/worker-git.mjs`), ...folders],
      stdin: JSON.stringify({
        base: request.base,
        message: request.message,
        author: request.author,
        date: `@${Math.trunc(request.at.getTime() / 1000)} +0000`,
        variables: GIT_VARIABLES,
        settings: GIT_SETTINGS,
      }),
    },
    ({ text }) => errors.push(text),
  );
  const end = await running.ended;
  if (end.reason === 'sandbox') {
    throw new AppError('SANDBOX_UNAVAILABLE', `no box for git: ${end.message}`);
  }
  if (end.reason !== 'exited' || end.code !== 0) {
    const cause = errors.find((line) => line.startsWith('Error: ')) ?? errors.slice(-3).join('; ');
    throw new AppError('PATCH_REFUSED', `git could not take the workspace: ${cause}`, {
      details: { end },
    });
  }
  return readResult(request);
}

async function readResult({ result: folder }: CommitRequest): Promise<CommitResult> {
  const read = await readWorkerFile(join(folder, 'summary.json'), MAX_SUMMARY_BYTES);
  if (read === undefined || 'refused' in read) {
    const why = read?.refused ?? 'is missing';
    throw new AppError('PATCH_REFUSED', `the box's summary.json ${why}`);
  }
  const { irregular, commit: sha, tree } = parseSummary(read.content);
  const bundle = join(folder, 'bundle');
  return { irregular, commit: sha === null ? undefined : { sha, tree, bundle } };
}

interface Summary {
  readonly commit: string | null;
  readonly tree: string;
  readonly irregular: Irregular[];
}

function parseSummary(text: Buffer): Summary {
  // Written by our own program; a hostile tree that took it over could only lie about its own files.
  const summary: unknown = JSON.parse(text.toString('utf8'));
  if (!isSummary(summary)) {
    throw new AppError('PATCH_REFUSED', "the box's summary.json does not have our form");
  }
  return summary;
}

const SHA = /^[0-9a-f]{40}([0-9a-f]{24})?$/;

function isSummary(summary: unknown): summary is Summary {
  return (
    typeof summary === 'object' &&
    summary !== null &&
    'tree' in summary &&
    typeof summary.tree === 'string' &&
    'commit' in summary &&
    (summary.commit === null || (typeof summary.commit === 'string' && SHA.test(summary.commit))) &&
    'irregular' in summary &&
    Array.isArray(summary.irregular)
  );
}
