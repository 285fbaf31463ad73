import { expect, test } from 'vitest';

import { AGENTS } from '../domain/agent.ts';
import { parseRole, readRoles } from './roles.ts';

test('each of the eight roles is shipped with title, standing task and instructions', async () => {
  const roles = await readRoles();

  for (const agent of AGENTS) {
    expect(roles[agent].title).toMatch(/\w+/);
    expect(roles[agent].task).toMatch(/\w+.*\.$/);
    expect(roles[agent].instructions.length).toBeGreaterThan(100);
  }
});

test('a colon in a task is part of it', () => {
  const role = parseRole('---\ntitle: Builder\ntask: Do this: now.\n---\nBody.\n', 'builder.md');

  expect(role).toEqual({ title: 'Builder', task: 'Do this: now.', instructions: 'Body.' });
});

test.each(['Body.', '---\ntitle: x\n---\nBody.', ''])(
  'a role without front matter is a broken installation: %j',
  (text) => {
    expect(() => parseRole(text, 'pm.md')).toThrow(
      expect.objectContaining({
        code: 'SETTINGS_INVALID',
        message: expect.stringContaining('pm.md'),
      }),
    );
  },
);
