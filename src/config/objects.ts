import { hash as hashOf } from 'node:crypto';

import { canonicalJson } from '../domain/canonical-json.ts';
import type { ConfigKind, ConfigObject } from '../domain/plan.ts';
import type { RepoSpec } from '../domain/spec.ts';
import type { DocumentPath } from './diagnostics.ts';

/** The name of the one object of kind `repo`: what the file says of the repository as a whole. */
const REPO_OBJECT = 'repo';

/**
 * The named objects of a resolved file, each with a hash of its spec. A default that the file does not state
 * has the line that `lineOf` gives for the nearest key above it.
 */
export function listObjects(
  spec: RepoSpec,
  lineOf: (path: DocumentPath) => number = () => 1,
): ConfigObject[] {
  const { agents, schedules, triggers, budgets, approvals, ...repo } = spec;
  const object = (kind: ConfigKind, name: string, part: unknown, path: DocumentPath) => ({
    kind,
    name,
    spec: part,
    hash: sha256(canonicalJson(part)),
    line: lineOf(path),
  });
  const section = (kind: ConfigKind, key: string, parts: Readonly<Record<string, unknown>>) =>
    Object.entries(parts).map(([name, part]) => object(kind, name, part, [key, name]));

  return [
    object('repo', REPO_OBJECT, repo, []),
    ...section('agent', 'agents', agents),
    ...section('schedule', 'schedules', schedules),
    ...section('trigger', 'triggers', triggers),
    ...section('budget', 'budgets', budgets),
    ...section('approval', 'approvals', approvals),
  ];
}

/** One hash over all objects: equal exactly when nothing that counts differs, wherever it stands in the file. */
export function digestObjects(objects: readonly ConfigObject[]): string {
  return sha256(
    objects
      .map(({ kind, name, hash }) => `${kind}/${name} ${hash}`)
      .sort()
      .join('\n'),
  );
}

export function sha256(text: string): string {
  // In one call: no object is made for each of many short texts.
  return hashOf('sha256', text);
}
