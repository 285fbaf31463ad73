// Generated from config-schema/autodev.schema.json by config-schema/generate.ts: do not edit.
import type { AutodevConfig } from './autodev.generated.ts';
import type { SchemaProblem } from './schema-problem.ts';

export declare const validate: {
  (data: unknown): data is AutodevConfig;
  errors?: SchemaProblem[] | null;
};
