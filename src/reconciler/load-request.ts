import { loadUnderPolicy } from '../config/load-under-policy.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { EffectivePolicy } from '../config/policy.ts';
import type { ResolveOptions } from '../config/resolve.ts';

/** All that loading one autodev.yaml needs, beside the files that it names: plain data, which can be sent. */
export interface LoadRequest extends Pick<ResolveOptions, 'credentials'> {
  readonly source: Uint8Array;
  readonly effective: EffectivePolicy;
}

/** The content of a file of the repository at the same commit; undefined when it is not there. */
export type ReadNamedFile = (path: string) => Promise<string | undefined>;

/** Reads, validates, resolves and holds against the policy. What `readFile` throws passes through. */
export type LoadOnRequest = (
  request: LoadRequest,
  readFile: ReadNamedFile,
) => Promise<LoadedConfig>;

/** Here and now, on the thread of the caller: 1 to 2 ms for a usual file, up to a second for a hostile one. */
export const loadOnRequest: LoadOnRequest = ({ source, effective, ...options }, readFile) =>
  loadUnderPolicy(source, effective, { ...options, readFile });
