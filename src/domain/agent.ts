/** The eight roles. The position is the code that the database stores: append, never reorder. */
export const AGENTS = [
  'pm',
  'architect',
  'builder',
  'reviewer',
  'tester',
  'security',
  'devops',
  'bug-finder',
] as const;

/** One of the eight roles on one repository. */
export type Agent = (typeof AGENTS)[number];

export function isAgent(name: string): name is Agent {
  return (AGENTS as readonly string[]).includes(name);
}

/** The database's code of a role: its position, counted from 1. */
export function agentCode(agent: Agent): number {
  return AGENTS.indexOf(agent) + 1;
}

/** The role of a database code. Throws on a code that no role has: the row was written by a newer version. */
export function agentOf(code: number): Agent {
  const agent = AGENTS[code - 1];
  if (agent === undefined) {
    throw new RangeError(`no agent has the code ${code}`);
  }
  return agent;
}
