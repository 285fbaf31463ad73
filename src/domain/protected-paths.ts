import { foldPath } from './unsafe-path.ts';

/**
 * Paths that decide what runs on other machines, or what agents are told. A change of one is refused unless
 * the agent's `allow.merge_request.paths` names exactly that path or pattern; `**` is no permission.
 */
export const PROTECTED_PATHS = [
  'autodev.yaml',
  '.autodev/**',
  '.gitlab-ci.yml',
  'CODEOWNERS',
  '.gitlab/CODEOWNERS',
  'docs/CODEOWNERS',
  '.husky/**',
  '.githooks/**',
  '**/.gitattributes',
  '.gitmodules',
  '**/.lfsconfig',
  '**/.envrc',
  '**/.vscode/**',
  '**/.idea/**',
  '**/.devcontainer/**',
  '**/.devcontainer.json',
  '**/.npmrc',
  '**/AGENTS.md',
  '**/AGENTS.override.md',
  '**/CLAUDE.md',
  '**/CLAUDE.local.md',
  '**/.claude/**',
  '**/.codex/**',
  '**/.mcp.json',
] as const;

/** Whether a glob matches a path, names that begin with a dot included. */
export type MatchesGlob = (glob: string, path: string) => boolean;

/**
 * The pattern that protects a path, or undefined. Paths are compared as the least careful file system would:
 * without case and in one unicode form.
 *
 * @param patterns others than those above
 * @param named what the agent may change by exact name
 */
export function protectingPattern(
  path: string,
  {
    patterns = PROTECTED_PATHS,
    named,
    matches,
  }: { patterns?: readonly string[]; named: readonly string[]; matches: MatchesGlob },
): string | undefined {
  const folded = foldPath(path);
  return patterns.find(
    (pattern) =>
      matches(foldPath(pattern), folded) && !named.includes(path) && !named.includes(pattern),
  );
}
