import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { systemClock } from '../kernel/clock.ts';
import { repoFixture } from './local/repo-fixture.ts';
import { sweep } from './sweep.ts';

test('what a killed process left is removed after hours, and nothing else', async () => {
  using fixture = repoFixture();
  const folder = join(fixture.folder, 'mirrors');
  for (const name of ['1.git', '1.git.new-a', '1.git.new-b.old', '11.git.new-c']) {
    mkdirSync(join(folder, name), { recursive: true });
  }
  const later = {
    ...systemClock,
    now: () => new Date(systemClock.now().getTime() + 7 * 3_600_000),
  };

  await sweep({ clock: systemClock }, join(folder, '1.git.new-'));
  const soon = readdirSync(folder);
  await sweep({ clock: later }, join(folder, '1.git.new-'));

  expect(soon).toHaveLength(4);
  expect(readdirSync(folder)).toEqual(['1.git', '11.git.new-c']);
});
