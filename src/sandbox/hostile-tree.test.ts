import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect } from 'vitest';

import { test } from '../../test/boxed.ts';
import { systemClock } from '../kernel/clock.ts';
import { unsandboxed } from './unsandboxed.ts';
import { git, openWorkspaceFixture as setup, type WorkspaceFixture } from './workspace-fixture.ts';

/** Each plants something that runs `execute` when git believes the tree. */
const hostile: [name: string, plant: (s: WorkspaceFixture, execute: string) => void][] = [
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
  expect(s.changes(bare.commit)).toContain('M b.txt');
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
