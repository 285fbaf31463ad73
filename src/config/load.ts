import type { ConfigObject } from '../domain/plan.ts';
import type { CheckedConfig, CheckOptions } from './check-config.ts';
import { checkConfig } from './check-config.ts';
import { digestObjects, listObjects } from './objects.ts';

export type LoadOptions = CheckOptions;

type Checked<Ok extends boolean> = Extract<CheckedConfig, { readonly ok: Ok }>;

export type LoadedConfig =
  | (Omit<Checked<true>, 'lineOf'> & {
      readonly objects: readonly ConfigObject[];
      /** Over everything that counts, files that the configuration names included. */
      readonly digest: string;
    })
  | Checked<false>;

/** Checks an autodev.yaml and makes of it the objects that are compared and stored. */
export async function loadConfig(
  source: string | Uint8Array,
  options: LoadOptions,
): Promise<LoadedConfig> {
  const checked = await checkConfig(source, options);
  if (!checked.ok) {
    return checked;
  }
  const { lineOf, ...loaded } = checked;
  const objects = listObjects(loaded.spec, lineOf);
  return { ...loaded, objects, digest: digestObjects(objects) };
}
