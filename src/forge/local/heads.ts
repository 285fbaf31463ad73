import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as yieldToOthers } from 'node:timers/promises';

import { AppError } from '../../kernel/errors.ts';
import { isCommitId } from '../commit-id.ts';
import type { ForgeRepo } from '../forge.ts';
import type { Git } from '../git.ts';
import { requireFolders } from './place.ts';
import { readRef } from './read.ts';

/** Identity of one state of a file: git replaces a ref's file by renaming another one over it. */
interface Stamp {
  readonly mtimeMs: number;
  readonly size: number;
  readonly ino: number;
}

interface KnownHead {
  readonly file: string;
  readonly stamp: Stamp;
  readonly head: string;
}

/** Repositories read between two chances for others on the event loop. */
const BATCH = 250;

/**
 * Answers Forge.readHeads. An unchanged repository costs one or two `stat` calls and no process (measured: more
 * than 100,000 a second); they are synchronous because a round trip through Node's pool costs ten times that.
 */
export function createHeadReader({ git }: { git: Git }) {
  const known = new Map<string, KnownHead>();
  const commonDirs = new Map<string, string>();

  async function readHead(repo: ForgeRepo, signal: AbortSignal): Promise<string> {
    const key = `${repo.location}\0${repo.branch}`;
    const commonDir = commonDirs.get(repo.location) ?? requireFolders(repo.location).commonDir;
    commonDirs.set(repo.location, commonDir);
    const ref = `refs/heads/${repo.branch}`;

    // A loose ref wins over a packed one. Whoever packs writes the packed file before removing the loose one.
    for (const file of [join(commonDir, ref), join(commonDir, 'packed-refs')]) {
      const stamp = stampOf(file);
      if (stamp === undefined) {
        continue;
      }
      const before = known.get(key);
      if (before?.file === file && isSame(before.stamp, stamp)) {
        return before.head;
      }
      const head = file.endsWith('/packed-refs') ? findPacked(file, ref) : readLoose(file);
      if (head !== undefined) {
        known.set(key, { file, stamp, head });
        return head;
      }
    }
    // Reftables, symbolic refs, and a branch or repository that is gone: git knows, or says why not.
    const tables = join(commonDir, 'reftable', 'tables.list');
    const stamp = stampOf(tables);
    const before = known.get(key);
    if (stamp && before?.file === tables && isSame(before.stamp, stamp)) {
      return before.head;
    }
    known.delete(key);
    commonDirs.delete(repo.location);
    const head = await readRef({ git }, repo, ref, signal);
    if (head === undefined) {
      throw new AppError(
        'SOURCE_UNREADABLE',
        `${repo.location} has no branch ${repo.branch} any more.`,
        { remedy: 'Bring it back, or register the repository again with --branch NAME.' },
      );
    }
    if (stamp) {
      known.set(key, { file: tables, stamp, head });
    }
    return head;
  }

  return async (
    repos: readonly ForgeRepo[],
    signal: AbortSignal,
  ): Promise<Map<number, string | Error>> => {
    const heads = new Map<number, string | Error>();
    for (const [index, repo] of repos.entries()) {
      if (index % BATCH === BATCH - 1) {
        await yieldToOthers();
      }
      try {
        heads.set(repo.id, await readHead(repo, signal));
      } catch (error) {
        heads.set(repo.id, error instanceof Error ? error : new Error(String(error)));
      }
    }
    return heads;
  };
}

function stampOf(file: string): Stamp | undefined {
  try {
    const stat = statSync(file, { throwIfNoEntry: false });
    return stat?.isFile() ? stat : undefined;
  } catch {
    // Not permitted or a broken path: git's own message is the better one.
    return undefined;
  }
}

function isSame(one: Stamp, other: Stamp): boolean {
  return one.mtimeMs === other.mtimeMs && one.ino === other.ino && one.size === other.size;
}

function readLoose(file: string): string | undefined {
  const content = readIfThere(file)?.trim() ?? '';
  return isCommitId(content) ? content : undefined;
}

function findPacked(file: string, ref: string): string | undefined {
  const content = readIfThere(file) ?? '';
  const end = content.indexOf(` ${ref}\n`);
  if (end === -1) {
    return undefined;
  }
  const id = content.slice(content.lastIndexOf('\n', end) + 1, end);
  return isCommitId(id) ? id : undefined;
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // Packed or deleted since it was looked at.
    return undefined;
  }
}
