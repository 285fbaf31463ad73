import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdir, truncate } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { systemClock } from '../kernel/clock.ts';
import { type BoxFixture, openBoxFixture, roomyLimits } from './box-fixture.ts';
import { bubblewrapSandbox } from './bubblewrap.ts';
import { importBundle } from './import-bundle.ts';
import type { Sandbox } from './sandbox.ts';
import { unsandboxed } from './unsandboxed.ts';
import { type CommitRequest, type CommitResult, commitWorkspace } from './worker-git.ts';
import { handOver } from './worker-uid.ts';

const LIMITS = { bytes: 10_000_000, wallMs: 20_000, memoryBytes: 4_000_000_000 };
const never = new AbortController().signal;

interface Setup extends BoxFixture {
  readonly mirror: string;
  readonly base: string;
  readonly canary: string;
  commit(sandbox?: Sandbox, changes?: Partial<CommitRequest>): Promise<CommitResult>;
  write(path: string, text: string): void;
}

async function setup(): Promise<Setup> {
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
          maxDiffBytes: 100_000,
          ...changes,
        },
      );
    },
  };
}

test('the final tree becomes one commit on the base, whatever the worker committed', async () => {
  await using s = await setup();
  s.write('new/c.txt', 'c\n');
  s.write('a.txt', 'one\r\ntwo\r\nthree\r\n');
  execFileSync('rm', [join(s.workspace, 'b.txt')]);
  s.write('ignored.log', 'x');
  s.write('.gitignore', '*.log\n');
  git(s.workspace, 'add', '-A');
  git(s.workspace, 'commit', '-q', '-m', "the worker's own");

  const { commit, irregular } = await s.commit();
  if (!commit) {
    throw new Error('no commit');
  }
  await importBundle(
    { clock: systemClock },
    {
      ...commit,
      commit: commit.sha,
      base: s.base,
      repository: s.mirror,
      ref: 'refs/x/1',
      limits: LIMITS,
    },
    never,
  );

  expect(irregular).toEqual([]);
  expect(git(s.mirror, 'log', '--format=%H %P %an %ae %cn %ct %s', 'refs/x/1', '-1')).toBe(
    `${commit.sha} ${s.base} Auto-Dev bot@example.org Auto-Dev 1767323045 title`,
  );
  expect(git(s.mirror, 'ls-tree', '-r', '--name-only', 'refs/x/1').split('\n')).toEqual([
    '.gitignore',
    'a.txt',
    'new/c.txt',
  ]);
  expect(git(s.mirror, 'show', 'refs/x/1:a.txt')).toBe('one\r\ntwo\r\nthree');
  expect(commit.changes.map(({ status, path, added }) => [status, path, added])).toEqual([
    ['A', '.gitignore', 1],
    ['M', 'a.txt', 1],
    ['D', 'b.txt', 0],
    ['A', 'new/c.txt', 1],
  ]);
  expect(commit.diff).toContain('+three');
  expect(commit.diffCut).toBe(false);
});

test('an unchanged tree is no commit', async () => {
  await using s = await setup();
  git(s.workspace, 'commit', '-q', '--allow-empty', '-m', 'empty');

  expect((await s.commit()).commit).toBeUndefined();
});

test('a diff beyond its bound is cut and says so', async () => {
  await using s = await setup();
  s.write('big.txt', 'line\n'.repeat(50_000));

  const { commit } = await s.commit(undefined, { maxDiffBytes: 1000 });

  expect(commit?.diff).toHaveLength(1000);
  expect(commit?.diffCut).toBe(true);
});

test('a link out of the tree is taken as a link', async () => {
  await using s = await setup();
  symlinkSync('/etc/passwd', join(s.workspace, 'link'));
  symlinkSync('/etc', join(s.workspace, 'folder'));

  const { commit } = await s.commit();

  expect(commit?.changes.map(({ path, newMode }) => [path, newMode])).toEqual([
    ['folder', '120000'],
    ['link', '120000'],
  ]);
  expect(commit?.diff).not.toContain('root:');
});

test('special files and nested repositories are named and left out', async () => {
  await using s = await setup();
  execFileSync('mkfifo', [join(s.workspace, 'pipe')]);
  execFileSync('rm', [join(s.workspace, 'b.txt')]);
  execFileSync('mkfifo', [join(s.workspace, 'b.txt')]);
  git(s.workspace, 'init', '-q', 'nested');
  s.write('nested/x', 'x');
  s.write('gitfile/.git', 'gitdir: /tmp/elsewhere\n');
  s.write('upper/.GIT/config', '');
  s.write('.gitignore', 'ignored\n');
  git(s.workspace, 'init', '-q', 'ignored');
  s.write('kept', 'kept');

  const { irregular, commit } = await s.commit();

  expect(irregular.toSorted((x, y) => x.path.localeCompare(y.path))).toEqual([
    { path: 'b.txt', kind: 'fifo' },
    { path: 'gitfile', kind: 'nested_repository' },
    { path: 'nested', kind: 'nested_repository' },
    { path: 'pipe', kind: 'fifo' },
    { path: 'upper', kind: 'nested_repository' },
  ]);
  expect(commit?.changes.map(({ path }) => path)).toEqual(['.gitignore', 'kept']);
});

/** Each plants something that runs `execute` when git believes the tree. */
const hostile: [name: string, plant: (s: Setup, execute: string) => void][] = [
  ['fsmonitor', (s, x) => git(s.workspace, 'config', 'core.fsmonitor', x)],
  [
    'clean filter',
    (s, x) => {
      git(s.workspace, 'config', 'filter.evil.clean', x);
      git(s.workspace, 'config', 'filter.evil.smudge', x);
      git(s.workspace, 'config', 'filter.evil.process', x);
      git(s.workspace, 'config', 'filter.evil.required', 'true');
      s.write(
        '.gitattributes',
        '[attr]trap filter=evil\n* filter=evil diff=evil merge=evil trap\n',
      );
      s.write('.git/info/attributes', '* filter=evil\n');
    },
  ],
  [
    'text conversion and external diff',
    (s, x) => {
      git(s.workspace, 'config', 'diff.evil.textconv', x);
      git(s.workspace, 'config', 'diff.evil.command', x);
      git(s.workspace, 'config', 'diff.external', x);
      s.write('.gitattributes', '* diff=evil\n');
    },
  ],
  [
    'hooks',
    (s, x) => {
      for (const hook of [
        'pre-commit',
        'post-commit',
        'reference-transaction',
        'post-index-change',
        'post-checkout',
      ]) {
        s.write(`.git/hooks/${hook}`, `#!/bin/sh\n${x}\n`);
        execFileSync('chmod', ['+x', join(s.workspace, `.git/hooks/${hook}`)]);
      }
      git(s.workspace, 'config', 'core.hooksPath', join(s.workspace, '.git/hooks'));
    },
  ],
  [
    'include.path',
    (s, x) => {
      s.write('evil.config', `[core]\n\tfsmonitor = "${x}"\n`);
      git(s.workspace, 'config', 'include.path', '../evil.config');
    },
  ],
  [
    'nested repository with fsmonitor',
    (s, x) => {
      git(s.workspace, 'init', '-q', 'nested');
      s.write('nested/f', 'f');
      git(join(s.workspace, 'nested'), 'add', '-A');
      git(join(s.workspace, 'nested'), 'commit', '-q', '-m', 'x');
      git(join(s.workspace, 'nested'), 'config', 'core.fsmonitor', x);
    },
  ],
  [
    'gitfile that points elsewhere',
    (s, x) => {
      const elsewhere = join(s.folder, 'elsewhere');
      git(s.folder, 'init', '-q', '--bare', elsewhere);
      git(elsewhere, 'config', 'core.fsmonitor', x);
      execFileSync('rm', ['-rf', join(s.workspace, '.git')]);
      s.write('.git', `gitdir: ${elsewhere}\n`);
    },
  ],
  [
    'alternates and their command',
    (s, x) => {
      s.write('.git/objects/info/alternates', `${s.folder}/s/.git/objects\n`);
      git(s.workspace, 'config', 'core.alternateRefsCommand', x);
    },
  ],
  ['lfsconfig', (s, x) => s.write('.lfsconfig', `[lfs]\n\tcustomtransfer.evil.path = "${x}"\n`)],
  [
    'submodule',
    (s, x) => {
      s.write(
        '.gitmodules',
        `[submodule "evil"]\n\tpath = b\n\turl = ext::${x}\n\tupdate = !${x}\n`,
      );
      git(s.workspace, 'config', 'submodule.evil.update', `!${x}`);
    },
  ],
  [
    'editor, pager, signing and ssh programs',
    (s, x) => {
      for (const key of [
        'core.editor',
        'core.pager',
        'gpg.program',
        'core.sshCommand',
        'credential.helper',
      ]) {
        git(s.workspace, 'config', key, x);
      }
      git(s.workspace, 'config', 'commit.gpgSign', 'true');
    },
  ],
];

test.each(hostile)('nothing is executed by a tree with %s', async (_name, plant) => {
  await using s = await setup();
  const script = join(s.folder, 'evil.sh');
  writeFileSync(script, `#!/bin/sh\ntouch ${s.canary} /result/canary\ncat\n`, { mode: 0o755 });
  s.write('evil.sh', readFileSync(script, 'utf8'));
  execFileSync('chmod', ['755', script, join(s.workspace, 'evil.sh')]);
  s.write('b.txt', 'changed\n');
  plant(s, script);

  // Without a box nothing but the way git is called stands between the tree and the canary.
  const open = unsandboxed({ clock: systemClock, toolbox: s.toolbox });
  const bare = await s.commit(open);
  const boxed = await s.commit();

  expect(existsSync(s.canary)).toBe(false);
  expect(existsSync(join(s.folder, 'r2', 'canary'))).toBe(false);
  expect(bare.commit?.changes.find(({ path }) => path === 'b.txt')?.status).toBe('M');
  expect(boxed.commit?.tree).toBe(bare.commit?.tree);
});

test('the canary of the hostile trees does sing when git is used carelessly', async () => {
  await using s = await setup();
  const script = join(s.folder, 'evil.sh');
  writeFileSync(script, `#!/bin/sh\ntouch ${s.canary}\n`, { mode: 0o755 });
  git(s.workspace, 'config', 'core.fsmonitor', script);

  git(s.workspace, 'status');

  expect(existsSync(s.canary)).toBe(true);
});

test('a bundle that is too large, damaged, or another than announced does not arrive', async () => {
  await using s = await setup();
  s.write('c.txt', 'c\n');
  const { commit } = await s.commit();
  if (!commit) {
    throw new Error('no commit');
  }
  const request = {
    bundle: commit.bundle,
    commit: commit.sha,
    base: s.base,
    repository: s.mirror,
    ref: 'refs/x/1',
    limits: LIMITS,
  };
  const importing = (changes: Partial<typeof request>): Promise<void> =>
    importBundle({ clock: systemClock }, { ...request, ...changes }, never);

  await expect(importing({ limits: { ...LIMITS, bytes: 10 } })).rejects.toThrow('larger than 10');
  await expect(importing({ commit: s.base })).rejects.toThrow('announced');
  await expect(importing({ base: commit.sha })).rejects.toThrow('announced');
  const link = join(s.folder, 'link');
  symlinkSync(commit.bundle, link);
  await expect(importing({ bundle: link })).rejects.toThrow('cannot be opened');
  await truncate(commit.bundle, readFileSync(commit.bundle).length - 30);
  await expect(importing({})).rejects.toMatchObject({ code: 'GIT_FAILED' });

  expect(git(s.mirror, 'for-each-ref', 'refs/x')).toBe('');
});

function git(cwd: string, ...args: string[]): string {
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
