import type { KubernetesObject } from '../build.ts';
import type { Rule } from './rule.ts';
import { EDGE_RULES } from './rules-edge.ts';
import { HARDENING_RULES } from './rules-hardening.ts';
import { NAME_RULES } from './rules-names.ts';
import { POD_SECURITY_RULES } from './rules-pod-security.ts';
import { REFERENCE_RULES } from './rules-references.ts';
import { SECRET_RULES } from './rules-secrets.ts';

/**
 * What holds of every environment. Where kube-linter and its like ask for something else, the difference is meant:
 * images are pulled when absent (a digest cannot change), CPU has no limit, stores keep their images' accounts, and
 * what has a claim has one replica.
 */
export const RULES: readonly Rule[] = [
  ...NAME_RULES,
  ...POD_SECURITY_RULES,
  ...HARDENING_RULES,
  ...REFERENCE_RULES,
  ...EDGE_RULES,
  ...SECRET_RULES,
];

/** Everything that is wrong, each with its rule: `[image-digest] Deployment/webhook webhook: …`. */
export function breaches(objects: readonly KubernetesObject[]): string[] {
  return RULES.flatMap(({ id, find }) => find(objects).map((problem) => `[${id}] ${problem}`));
}
