import type { Diagnostic } from '../config/diagnostics.ts';
import type { Risk } from '../domain/plan-paths.ts';
import type { Change } from '../domain/plan.ts';
import type { PlanEffects } from './plan-effects.ts';

/**
 * What a file would change, for people and programs (as Terraform's: a new minor `format_version` adds keys,
 * a new major one breaks). Loosening changes come first.
 */
export interface Plan {
  readonly format_version: '1.0';
  readonly repo: string;
  /** The commit that was read; with a text, the one that its other files were read at. */
  readonly head: string;
  /** What runs now; null before the first revision. */
  readonly in_force: { readonly commit: string } | null;
  /** Stands for every change. */
  readonly digest: string;
  readonly valid: boolean;
  readonly summary: {
    readonly changes: boolean;
    readonly add: number;
    readonly change: number;
    readonly remove: number;
    readonly loosening: number;
    readonly warnings: number;
    /** Something is retired. */
    readonly destructive: boolean;
  };
  readonly changes: readonly PlannedChange[];
  readonly effects: PlanEffects;
  /** Whether retirements would wait for a person, and the digest that confirms them. */
  readonly prune: { readonly held: boolean; readonly digest: string };
  readonly diagnostics: readonly Diagnostic[];
}

export interface PlannedChange {
  readonly action: Change['action'];
  readonly kind: Change['kind'];
  readonly key: string;
  readonly loosens: boolean;
  readonly source: { readonly line: number };
  readonly paths: readonly {
    readonly path: string;
    readonly before: unknown;
    readonly after: unknown;
    readonly risk: Risk;
  }[];
}
