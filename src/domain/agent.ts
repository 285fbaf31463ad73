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
