// Generated from config-schema/kaas.schema.json by config-schema/generate.ts: do not edit.
import type { KaasSettings } from './kaas.generated.ts';
import type { SchemaProblem } from '../src/config/schema-problem.ts';

export declare const validate: {
  (data: unknown): data is KaasSettings;
  errors?: SchemaProblem[] | null;
};
