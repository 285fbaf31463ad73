import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { systemClock } from '../kernel/clock.ts';
import { type BoxFixture, openBoxFixture, roomyLimits } from './box-fixture.ts';
import { bubblewrapSandbox } from './bubblewrap.ts';
import type { Sandbox } from './sandbox.ts';
import {
  type CommitRequest,
  type CommitResult,
  commitWorkspace,
  RESULT_REF,
} from './worker-git.ts';
import { handOver } from './worker-uid.ts';

/** A repository's mirror, and a workspace cloned from it that a worker has had. */
export interface WorkspaceFixture extends BoxFixture {
  readonly mirror: string;
  readonly base: string;
  readonly canary: string;
  commit(sandbox?: Sandbox, changes?: Partial<CommitRequest>): Promise<CommitResult>;
  write(path: string, text: string): void;
  /** What a commit changes: `A path`, `M path`, `D path`. Brings the commit into the mirror. */
  changes(commit: CommitResult['commit']): string[];
}

export async function openWorkspaceFixture(): Promise<WorkspaceFixture> {
  const fixture = await openBoxFixture();
  const { folder, workspace } = fixture;
  const source = join(folder, 's');
  const mirror = join(folder, 'm');
  git(folder, 'init', '-q', '-b', 'main', source);
  writeFileSync(join(source, 'a.txt'), 'one\r\ntwo\r\n');
  writeFileSync(join(source, 'b.txt'), 'b\n');
  git(source, 'add', '-A');
  git(source, 'commit', '-q', '-m', 'first');
  git(folder, 'clone', '-q', '--bare', source, mirror);
  git(folder, 'clone', '-q', '--shared', mirror, workspace);
  const bubblewrap = bubblewrapSandbox({ clock: systemClock, toolbox: fixture.toolbox });
  let calls = 0;
  return {
    ...fixture,
    mirror,
    base: git(mirror, 'rev-parse', 'main'),
    canary: join(folder, 'canary'),
    write: (path, text) => {
      mkdirSync(join(workspace, path, '..'), { recursive: true });
      writeFileSync(join(workspace, path), text);
    },
    changes: (commit) => {
      if (commit === undefined) {
        return [];
      }
      git(mirror, 'fetch', '-q', commit.bundle, RESULT_REF);
      const listing = ['diff-tree', '-r', '--name-status', '--no-renames', `${commit.sha}^`];
      return git(mirror, ...listing, commit.sha)
        .replaceAll('\t', ' ')
        .split('\n');
    },
    commit: async (sandbox = bubblewrap, changes = {}) => {
      calls += 1;
      const result = join(folder, `r${calls}`);
      await mkdir(result);
      await handOver([workspace], 1);
      return commitWorkspace(
        { sandbox },
        {
          workspace,
          mirror,
          result,
          base: git(mirror, 'rev-parse', 'main'),
          message: 'title\n\nbody',
          author: { name: 'Auto-Dev', email: 'bot@example.org' },
          at: new Date('2026-01-02T03:04:05Z'),
          hostUidSlot: 1,
          limits: roomyLimits,
          ...changes,
        },
      );
    },
  };
}

/** git as a careless person would run it, configuration of the folder and all. */
export function git(cwd: string, ...args: string[]): string {
  const identity = [
    '-c',
    'user.name=t',
    '-c',
    'user.email=t@example.org',
    '-c',
    'safe.directory=*',
  ];
  return execFileSync('git', [...identity, ...args], {
    cwd,
    encoding: 'utf8',
    stdio: 'pipe',
  }).trimEnd();
}
