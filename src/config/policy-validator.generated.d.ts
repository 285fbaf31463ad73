// Generated from config-schema/policy.schema.json by config-schema/generate.ts: do not edit.
import type { Policy } from './policy.generated.ts';
import type { SchemaProblem } from './schema-problem.ts';

export declare const validate: {
  (data: unknown): data is Policy;
  errors?: SchemaProblem[] | null;
};
