import { CONFIG_FILE } from '../config/config-file.ts';
import type { Diagnostic } from '../config/diagnostics.ts';
import type { LoadedConfig } from '../config/load.ts';
import { MAX_CONFIG_BYTES } from '../config/read.ts';
import type { Repo } from '../db/repos.ts';
import type { Forge, ForgeFile } from '../forge/forge.ts';
import { storableDiagnostics, storableText, unstorableText } from './storable.ts';

/** What git calls an ordinary file; anything else (a link, an executable, a submodule) is not read. */
export const REGULAR_FILE = '100644';

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
  { forge, load }: { forge: Pick<Forge, 'readFile'>; load: LoadRevision },
  repo: Repo,
  commit: string,
  signal: AbortSignal,
): Promise<ReadRevision> {
  const file = await forge.readFile(
    repo,
    { commit, path: CONFIG_FILE, maxBytes: MAX_CONFIG_BYTES },
    signal,
  );
  if (!file) {
    return { kind: 'absent' };
  }
  const blobs: Record<string, string> = { [CONFIG_FILE]: file.blob };
  const problem = unreadable(file);
  if (problem || !file.content) {
    return { kind: 'invalid', source: '', blobs, diagnostics: problem ? [problem] : [] };
  }

  const read = readNamedFile({ forge }, repo, commit, signal, blobs);
  const loaded = await load(repo, file.content, read);
  const source = storableText(file.content.toString('utf8'));
  const unstorable = loaded.ok ? unstorableText(loaded.objects) : undefined;
  if (loaded.ok && !unstorable) {
    return { kind: 'valid', source, blobs, loaded };
  }
  const diagnostics = unstorable ? [unstorable] : storableDiagnostics(loaded.diagnostics);
  return { kind: 'invalid', source, blobs, diagnostics };
}

/** Reads files that the configuration names, and notes in `blobs` which they were. */
export function readNamedFile(
  { forge }: { forge: Pick<Forge, 'readFile'> },
  repo: Repo,
  commit: string,
  signal: AbortSignal,
  blobs: Record<string, string> = {},
): (path: string) => Promise<string | undefined> {
  return async (path) => {
    const file = await forge.readFile(repo, { commit, path, maxBytes: MAX_CONFIG_BYTES }, signal);
    if (file?.mode !== REGULAR_FILE) {
      return undefined;
    }
    blobs[path] = file.blob;
    return file.content?.toString('utf8');
  };
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
