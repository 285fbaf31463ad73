// Generated from config-schema/outputs.schema.json by config-schema/generate.ts: do not edit.
import type { Output } from './outputs.generated.ts';
import type { SchemaProblem } from './schema-problem.ts';

export declare const validate: {
  (data: unknown): data is Output;
  errors?: SchemaProblem[] | null;
};
