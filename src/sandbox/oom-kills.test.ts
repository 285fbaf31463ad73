import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { countOomKills } from './oom-kills.ts';

test('the counters of machine and group are added up; what is not there counts nothing', () => {
  const folder = mkdtempSync(join(tmpdir(), 'oom-'));
  const [machine, group] = [join(folder, 'vmstat'), join(folder, 'memory.events')];
  writeFileSync(machine, 'nr_free_pages 1\noom_kill 3\noom_kill_group 9\n');
  writeFileSync(group, 'low 0\noom 7\noom_kill 2\n');

  const counted = countOomKills([machine, group, join(folder, 'nowhere')]);
  rmSync(folder, { recursive: true });

  expect(counted).toBe(5);
  expect(countOomKills()).toBeGreaterThanOrEqual(0);
});
