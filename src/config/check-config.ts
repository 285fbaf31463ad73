import type { RepoSpec } from '../domain/spec.ts';
import type { AutodevConfig } from './autodev.generated.ts';
import { CONFIG_FILE } from './config-file.ts';
import type { Diagnostic, DocumentPath } from './diagnostics.ts';
import { hasErrors, sortDiagnostics } from './diagnostics.ts';
import { readDocument } from './read.ts';
import { resolveConfig } from './resolve.ts';
import type { ResolveOptions } from './resolve.ts';
import { namedFiles, validateDocument } from './validate.ts';
import type { ValidateOptions } from './validate.ts';

/** As much as `instructions.text` may hold. */
const MAX_INSTRUCTIONS = 32_000;

export interface CheckOptions
  extends Omit<ResolveOptions, 'files'>, Omit<ValidateOptions, 'credentials'> {
  /**
   * The content of a file of the repository at the same commit; undefined when it is not there. What it throws
   * passes through: "could not read" is never "is absent".
   */
  readonly readFile: (path: string) => Promise<string | undefined>;
}

export type CheckedConfig =
  | {
      readonly ok: true;
      readonly config: AutodevConfig;
      readonly spec: RepoSpec;
      /** The line (from 1) on which a key stands; the nearest one above it where the file does not say it. */
      readonly lineOf: (path: DocumentPath) => number;
      /** Warnings only. */
      readonly diagnostics: readonly Diagnostic[];
      /** The paths of the files that the configuration names. */
      readonly files: readonly string[];
    }
  | {
      readonly ok: false;
      /** At least one error. */
      readonly diagnostics: readonly Diagnostic[];
      readonly files: readonly string[];
    };

/**
 * Reads, validates and resolves an autodev.yaml. Expected problems are diagnostics, never thrown. What is only
 * checked needs no hashes: `validate` starts 6 ms sooner without them.
 */
export async function checkConfig(
  source: string | Uint8Array,
  { readFile, minIntervalMs, now, ...options }: CheckOptions,
): Promise<CheckedConfig> {
  const { document, diagnostics: readProblems } = readDocument(source, { name: CONFIG_FILE });
  if (document === undefined) {
    return { ok: false, diagnostics: sortDiagnostics(readProblems), files: [] };
  }

  const {
    config,
    spec: plain,
    diagnostics: problems,
  } = await validateDocument(document, { minIntervalMs, now, credentials: options.credentials });
  if (config === undefined || plain === undefined) {
    return { ok: false, diagnostics: sortDiagnostics([...readProblems, ...problems]), files: [] };
  }

  const names = namedFiles(config);
  const files = new Map<string, string>();
  const fileProblems: Diagnostic[] = [];
  for (const { file, path } of names) {
    const content = await readFile(file);
    if (content === undefined) {
      fileProblems.push(
        document.diagnose(path, {
          code: 'file_not_found',
          message: `The file ${file} is not in the repository.`,
          remedy: `Commit ${file}, or correct its path (from the top of the repository).`,
        }),
      );
    } else if (content.length > MAX_INSTRUCTIONS) {
      fileProblems.push(
        document.diagnose(path, {
          code: 'file_too_large',
          message: `The file ${file} has more than ${MAX_INSTRUCTIONS} characters.`,
          remedy: 'Shorten it: every attempt pays for reading it.',
        }),
      );
    } else {
      files.set(file, content);
    }
  }

  const diagnostics = sortDiagnostics([...readProblems, ...problems, ...fileProblems]);
  const paths = [...new Set(names.map(({ file }) => file))];
  if (hasErrors(diagnostics)) {
    return { ok: false, diagnostics, files: paths };
  }
  const isPlain = options.policyDefaults === undefined && files.size === 0;
  const spec = isPlain ? plain : resolveConfig(config, { ...options, files });
  return {
    ok: true,
    config,
    spec,
    lineOf: (path) => document.lineOf(path),
    diagnostics,
    files: paths,
  };
}
