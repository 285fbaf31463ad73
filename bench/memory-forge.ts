import { createHash } from 'node:crypto';

import type { Forge } from '../src/forge/forge.ts';

/** A forge whose repositories are one file in memory: for benches of what is not git. */
export interface MemoryForge extends Forge {
  /** Makes `text` the autodev.yaml of a repository, in a new commit. */
  commit(repoId: number, text: string): void;
  /** A new commit with the same file. */
  commitNothing(repoIds: readonly number[]): void;
}

export function memoryForge(): MemoryForge {
  const heads = new Map<number, { commit: string; blob: string; content: Buffer }>();
  let commits = 0;
  const nextCommit = (): string => (commits += 1).toString(16).padStart(40, '0');
  const no = (): never => {
    throw new Error('the bench asks for no such thing');
  };

  return {
    commit: (repoId, text) => {
      const content = Buffer.from(text);
      const blob = createHash('sha1').update(content).digest('hex');
      heads.set(repoId, { commit: nextCommit(), blob, content });
    },
    commitNothing: (repoIds) => {
      for (const id of repoIds) {
        const head = heads.get(id);
        if (head) {
          heads.set(id, { ...head, commit: nextCommit() });
        }
      }
    },
    readHeads: (repos) =>
      Promise.resolve(
        new Map(repos.map(({ id }) => [id, heads.get(id)?.commit ?? new Error('?')])),
      ),
    readFile: ({ id }, { maxBytes }) => {
      const head = heads.get(id);
      const size = head?.content.length ?? 0;
      return Promise.resolve(
        head && {
          blob: head.blob,
          mode: '100644',
          size,
          content: size > maxBytes ? undefined : head.content,
        },
      );
    },
    readCommit: (_repo, sha) =>
      Promise.resolve({
        sha,
        authorName: 'Bench',
        authorEmail: 'bench@localhost',
        committedAt: new Date(0),
        subject: 'Change',
      }),
    changedPaths: no,
    fetchMirror: no,
    publishBranch: no,
    observeBranch: no,
    merge: no,
    deleteBranch: no,
  };
}
