import type { Diagnostic } from '../config/diagnostics.ts';
import type { LoadedConfig } from '../config/load.ts';
import { CONFIG_FILE } from '../config/load.ts';
import { MAX_CONFIG_BYTES } from '../config/read.ts';
import type { Repo } from '../db/repos.ts';
import type { Forge, ForgeFile } from '../forge/forge.ts';

/** What git calls an ordinary file; anything else (a link, an executable, a submodule) is not read. */
const REGULAR_FILE = '100644';

/** Reads, validates, resolves and holds against the policy; `readFile` is for files that the configuration names. */
export type LoadRevision = (
  repo: Repo,
  source: Uint8Array,
  readFile: (path: string) => Promise<string | undefined>,
) => Promise<LoadedConfig>;

export type ReadRevision =
  | { readonly kind: 'absent' }
  | {
      readonly kind: 'invalid';
      readonly source: string;
      readonly blobs: Readonly<Record<string, string>>;
      readonly diagnostics: readonly Diagnostic[];
    }
  | {
      readonly kind: 'valid';
      readonly source: string;
      readonly blobs: Readonly<Record<string, string>>;
      readonly loaded: Extract<LoadedConfig, { ok: true }>;
    };

/**
 * Reads autodev.yaml and what it names as blobs at one commit, never through a checkout or a link. What could not
 * be read is thrown by the forge; only a file that the commit really lacks is `absent`.
 */
export async function readRevision(
  { forge, load }: { forge: Forge; load: LoadRevision },
  repo: Repo,
  commit: string,
  signal: AbortSignal,
): Promise<ReadRevision> {
  const blobs: Record<string, string> = {};
  const read = async (path: string): Promise<ForgeFile | undefined> => {
    const file = await forge.readFile(repo, { commit, path, maxBytes: MAX_CONFIG_BYTES }, signal);
    if (file) {
      blobs[path] = file.blob;
    }
    return file;
  };

  const file = await read(CONFIG_FILE);
  if (!file) {
    return { kind: 'absent' };
  }
  const problem = unreadable(file);
  if (problem || !file.content) {
    return { kind: 'invalid', source: '', blobs, diagnostics: problem ? [problem] : [] };
  }

  const loaded = await load(repo, file.content, async (path) => {
    const named = await read(path);
    return named?.mode === REGULAR_FILE ? named.content?.toString('utf8') : undefined;
  });
  const source = file.content.toString('utf8');
  return loaded.ok
    ? { kind: 'valid', source, blobs, loaded }
    : { kind: 'invalid', source, blobs, diagnostics: loaded.diagnostics };
}

function unreadable(file: ForgeFile): Diagnostic | undefined {
  const place = { severity: 'error', path: '', line: 1, column: 1 } as const;
  if (file.mode !== REGULAR_FILE) {
    return {
      ...place,
      code: 'not_a_regular_file',
      message: `${CONFIG_FILE} has the mode ${file.mode}: it is a link, an executable or a submodule.`,
      remedy: `Commit ${CONFIG_FILE} itself as an ordinary file (\`git update-index --chmod=-x ${CONFIG_FILE}\`).`,
    };
  }
  if (!file.content) {
    return {
      ...place,
      code: 'too_large',
      message: `${CONFIG_FILE} has ${file.size} bytes; at most ${MAX_CONFIG_BYTES} are read.`,
      remedy: 'Move long instructions to files of their own: `instructions: { file: … }`.',
    };
  }
  return undefined;
}
