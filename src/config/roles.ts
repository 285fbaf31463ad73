import { readFile } from 'node:fs/promises';
import path from 'node:path';

import { AGENTS } from '../domain/agent.ts';
import type { Agent } from '../domain/agent.ts';
import { AppError } from '../kernel/errors.ts';

/** What the product itself says of a role: agents/<role>.md. */
export interface Role {
  readonly title: string;
  /** The standing task: what the agent does where a schedule or trigger states none. */
  readonly task: string;
  /** The role's own instructions, as Markdown. */
  readonly instructions: string;
}

export type Roles = Readonly<Record<Agent, Role>>;

/** The roles as they are shipped. */
const ROLES_FOLDER = path.join(import.meta.dirname, '../../agents');

/** @throws SETTINGS_INVALID when a role is missing or its front matter lacks something: a broken installation */
export async function readRoles(folder: string = ROLES_FOLDER): Promise<Roles> {
  const entries = await Promise.all(
    AGENTS.map(async (agent) => [agent, await readRole(path.join(folder, `${agent}.md`))] as const),
  );
  const roles = new Map(entries);
  const role = (agent: Agent): Role =>
    roles.get(agent) ?? { title: agent, task: '', instructions: '' };
  return {
    pm: role('pm'),
    architect: role('architect'),
    builder: role('builder'),
    reviewer: role('reviewer'),
    tester: role('tester'),
    security: role('security'),
    devops: role('devops'),
    'bug-finder': role('bug-finder'),
  };
}

async function readRole(file: string): Promise<Role> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new AppError('SETTINGS_INVALID', `the role ${file} cannot be read`, {
      cause,
      remedy: 'Install Auto-Dev again.',
    });
  }
  return parseRole(text, file);
}

/** Front matter is two lines of `key: text` between `---`; the rest is the instructions. */
export function parseRole(text: string, file: string): Role {
  const match = /^---\r?\n(?<head>[\s\S]*?)\r?\n---\r?\n(?<body>[\s\S]*)$/.exec(text);
  const head = new Map(
    (match?.groups?.['head'] ?? '').split(/\r?\n/).map((line): [string, string] => {
      const [key = '', ...value] = line.split(': ');
      return [key, value.join(': ').trim()];
    }),
  );
  const [title, task] = [head.get('title'), head.get('task')];
  if (!title || !task) {
    throw new AppError(
      'SETTINGS_INVALID',
      `${file} lacks \`title\` or \`task\` in its front matter`,
    );
  }
  return { title, task, instructions: (match?.groups?.['body'] ?? '').trim() };
}
