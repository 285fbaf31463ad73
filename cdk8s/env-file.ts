import { readFileSync } from 'node:fs';
import path from 'node:path';

import type { Diagnostic, DocumentPath } from '../src/config/diagnostics.ts';
import { hasErrors, sortDiagnostics } from '../src/config/diagnostics.ts';
import { loadPolicy } from '../src/config/policy.ts';
import { readDocument } from '../src/config/read.ts';
import { explainProblems } from '../src/config/schema-problems.ts';
import { schemaOf } from '../src/config/schema-tree.ts';
import type { SourceDocument } from '../src/config/source-document.ts';
import { COMPONENTS } from './components.ts';
import type { Environment } from './environment.ts';
import { resolveEnvironment } from './environment.ts';
import { validate } from './kaas-validator.generated.js';
import type { KaasSettings } from './kaas.generated.ts';
import { findPlaceholders } from './placeholders.ts';

const SCHEMA = 'kaas.schema.json';

/** An environment's file that was read, or what is wrong with it and where. */
export type EnvFileResult =
  | { readonly environment: Environment; readonly diagnostics: readonly Diagnostic[] }
  | { readonly environment: undefined; readonly diagnostics: readonly Diagnostic[] };

export interface EnvFileOptions {
  /** Our image, in place of the file's: the pipeline knows it, the file does not. */
  readonly image?: string | undefined;
  /** For a cluster: what still has to be filled in is an error, not a warning. */
  readonly deploy?: boolean;
}

/** Reads `cdk8s/env/<name>.yaml` and the policy that it names. Problems are diagnostics, never thrown. */
export function loadEnvFile(file: string, options: EnvFileOptions = {}): EnvFileResult {
  const source = readFileSync(file, 'utf8');
  return readEnvironment(source, {
    ...options,
    file,
    readPolicy: (name) => readFileSync(path.join(path.dirname(file), name), 'utf8'),
  });
}

export function readEnvironment(
  source: string,
  {
    file,
    readPolicy,
    image,
    deploy = false,
  }: EnvFileOptions & { file: string; readPolicy: (name: string) => string },
): EnvFileResult {
  const { document, diagnostics } = readDocument(source, { name: file });
  const failed = (more: readonly Diagnostic[]): EnvFileResult => ({
    environment: undefined,
    diagnostics: sortDiagnostics([...diagnostics, ...more]),
  });
  if (document === undefined) {
    return failed([]);
  }
  const value: unknown = withImage(document.value, image);
  if (!validate(value)) {
    const problems = explainProblems(document, SCHEMA, validate.errors ?? []);
    return failed(problems.map((problem) => withPlaceToLook(problem)));
  }

  const policy = policyOf(document, value, readPolicy);
  const found = [
    ...policy.diagnostics,
    ...checkMeaning(document, value),
    ...findPlaceholders(document, value, { deploy }),
  ];
  if (hasErrors(found) || policy.text === undefined) {
    return failed(found);
  }
  const name = path.basename(file).replace(/\.ya?ml$/, '');
  return {
    environment: resolveEnvironment(value, { name, policy: policy.text }),
    diagnostics: sortDiagnostics([...diagnostics, ...found]),
  };
}

/** Given by the command line, the image of the file counts for nothing. */
function withImage(
  value: Readonly<Record<string, unknown>>,
  image: string | undefined,
): Readonly<Record<string, unknown>> {
  const { images } = value;
  return image === undefined || typeof images !== 'object' || images === null
    ? value
    : { ...value, images: { ...images, app: image } };
}

/** Where the value is to be found, after what is wrong with it: the schema says that of each one that people fill in. */
function withPlaceToLook(problem: Diagnostic): Diagnostic {
  const at = problem.path === '' ? [] : problem.path.split('.');
  const missing = /^`([^`]+)` is missing/.exec(problem.message)?.[1];
  const where = schemaOf(SCHEMA, missing === undefined ? at : [...at, missing])?.['x-where'];
  const isLocated = problem.code === 'missing_key' || problem.code === 'invalid_value';
  return typeof where === 'string' && isLocated
    ? { ...problem, remedy: `${problem.remedy} Where to find it: ${where}` }
    : problem;
}

function policyOf(
  document: SourceDocument,
  { policy }: KaasSettings,
  readPolicy: (name: string) => string,
): { text: string | undefined; diagnostics: readonly Diagnostic[] } {
  let text: string;
  try {
    text = readPolicy(policy);
  } catch {
    const diagnostic = document.diagnose(['policy'], {
      code: 'file_not_found',
      message: `${policy} cannot be read.`,
      remedy: 'Put the policy beside this file; examples/policy.yaml is one to begin with.',
    });
    return { text: undefined, diagnostics: [diagnostic] };
  }
  const result = loadPolicy(text, policy);
  const diagnostics = result.diagnostics.map((problem) =>
    document.diagnose(['policy'], {
      severity: problem.severity,
      code: problem.code,
      message: `${policy}:${problem.line}: ${problem.message}`,
      remedy: problem.remedy,
    }),
  );
  return { text: result.ok ? text : undefined, diagnostics };
}

/** What a schema cannot say: which values go together. */
function checkMeaning(document: SourceDocument, settings: KaasSettings): Diagnostic[] {
  const error = (at: DocumentPath, message: string, remedy: string): Diagnostic =>
    document.diagnose(at, { code: 'invalid_value', message, remedy });
  const { tls, sandbox, storage, components = {} } = settings;
  const found: Diagnostic[] = [];

  for (const { name, tier, claim } of COMPONENTS) {
    const { replicas = 1, image, slots } = components[name] ?? {};
    if (claim !== undefined && replicas > 1) {
      found.push(
        error(
          ['components', name, 'replicas'],
          `\`${name}\` keeps its data on a claim of its own, which one pod can mount: ${replicas} replicas cannot start.`,
          tier === 'agent'
            ? 'Give it 1, and more `slots` for more jobs at the same time.'
            : 'Give it 1: a second one would wait for the claim.',
        ),
      );
    }
    if (tier !== 'agent' && (image !== undefined || slots !== undefined)) {
      found.push(
        error(
          ['components', name, image === undefined ? 'slots' : 'image'],
          `\`${name}\` does no jobs.`,
          'Remove it: only agents take an image or slots of their own.',
        ),
      );
    }
  }
  if (tls?.secret !== undefined && tls.at !== 'nginx') {
    found.push(
      error(
        ['tls', 'secret'],
        'The certificate is never used: TLS ends at the load balancer.',
        'Remove it, or set `at: nginx`.',
      ),
    );
  }
  if (
    sandbox?.mode === 'bubblewrap' &&
    sandbox.seccomp_profile === undefined &&
    sandbox.runtime_class === undefined
  ) {
    found.push(
      error(
        ['sandbox', 'mode'],
        'bubblewrap cannot make a user namespace under the default seccomp profile.',
        'Add `seccomp_profile` (ours is cdk8s/seccomp/worker.json) or `runtime_class`, or set `mode: containers`.',
      ),
    );
  }
  if (storage?.shared !== undefined && storage.shared.class === (storage.class ?? 'gp3')) {
    found.push(
      error(
        ['storage', 'shared', 'class'],
        `\`${storage.shared.class}\` is the class of ReadWriteOnce claims.`,
        'Name a class that can do ReadWriteMany, such as one of EFS.',
      ),
    );
  }
  return found;
}
