/** GitLab's access levels by name, lowest first. `autodev` is an agent's own act, below every person. */
const ROLES = [
  'autodev',
  'outsider',
  'guest',
  'reporter',
  'developer',
  'maintainer',
  'owner',
] as const;

/** What somebody may do in a repository; as a job's trust, the lowest role among its inputs' authors. */
export type Role = (typeof ROLES)[number];

/** Whether a text is one of the names. */
export function isRole(text: unknown): text is Role {
  return ROLES.some((role) => role === text);
}

export function isAtLeast(role: Role, floor: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(floor);
}

export function lowest(first: Role, ...rest: readonly Role[]): Role {
  return rest.reduce((low, role) => (isAtLeast(role, low) ? low : role), first);
}
