import type { Agent } from '../../domain/agent.ts';
import { isAgent } from '../../domain/agent.ts';
import type { ConfigKind } from '../../domain/plan.ts';
import type { Queryable } from '../db.ts';
import { sql } from '../sql.ts';
import type { JobFilter } from './job-list.ts';

/** The object of autodev.yaml that stands at a line of the file in force. */
export interface ObjectAtLine {
  kind: ConfigKind;
  name: string;
  line: number;
  spec: unknown;
  /** The revision that last changed it. */
  revisionId: number;
}

/**
 * The object at `line`: the one that begins nearest above it. Objects that the file does not state stand at the
 * line of the key that they would be under, so those that it does go first.
 */
export async function findObjectAtLine(
  db: Queryable,
  repoId: number,
  line: number,
): Promise<ObjectAtLine | undefined> {
  const [object] = await db.query<ObjectAtLine>(sql`
    select kind, name, line, spec, revision_id as "revisionId" from config_object
    where repo_id = ${repoId} and retired_at is null and line <= ${line}
    order by line desc, kind = 'repo', name limit 1`);
  return object;
}

/** The file in force: its commit and how many lines it has; undefined before the first. */
export async function findFileInForce(
  db: Queryable,
  repoId: number,
): Promise<{ commit: string; source: string } | undefined> {
  const [row] = await db.query<{ commit: string; source: string }>(sql`
    select v.commit, v.source from repo_sync s join revision v on v.id = s.revision_id
    where s.repo_id = ${repoId}`);
  return row;
}

/** Which jobs an object causes or rules. */
export function jobsOfObject(
  { kind, name, spec }: Pick<ObjectAtLine, 'kind' | 'name' | 'spec'>,
  repoId: number,
): JobFilter {
  switch (kind) {
    case 'schedule':
    case 'trigger':
      return { repoId, cause: { kind, name } };
    case 'agent':
      return { repoId, agent: agentNamed(name) };
    case 'budget':
      return { repoId, agent: agentNamed(scopeOf(spec)) };
    case 'approval':
    case 'repo':
      return { repoId };
    default:
      return kind satisfies never;
  }
}

function agentNamed(name: string): Agent | undefined {
  return isAgent(name) ? name : undefined;
}

function scopeOf(spec: unknown): string {
  return typeof spec === 'object' && spec !== null && 'scope' in spec ? String(spec.scope) : 'repo';
}
