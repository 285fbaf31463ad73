import { readFileSync } from 'node:fs';
import path from 'node:path';

import type { KubernetesObject } from '../build.ts';
import { buildManifests } from '../build.ts';
import type { EnvFileOptions, EnvFileResult } from '../env-file.ts';
import { readEnvironment } from '../env-file.ts';
import type { Environment } from '../environment.ts';

const ENV_FOLDER = path.join(import.meta.dirname, '../env');
export const ENVIRONMENTS = ['dev', 'prod'] as const;

export function envText(name: (typeof ENVIRONMENTS)[number]): string {
  return readFileSync(path.join(ENV_FOLDER, `${name}.yaml`), 'utf8');
}

/** Reads text as the file of an environment; the policy is the one that we ship. */
export function readText(text: string, options: EnvFileOptions = {}): EnvFileResult {
  return readEnvironment(text, {
    ...options,
    file: 'cdk8s/env/prod.yaml',
    readPolicy: (name) => readFileSync(path.join(ENV_FOLDER, name), 'utf8'),
  });
}

/** An environment as we ship it, with changes of its text: `[what stands there, what shall stand there]`. */
export function environmentOf(
  name: (typeof ENVIRONMENTS)[number],
  ...changes: readonly [string | RegExp, string][]
): Environment {
  const text = changes.reduce((before, [from, to]) => before.replace(from, to), envText(name));
  const { environment, diagnostics } = readText(text);
  if (environment === undefined) {
    throw new Error(diagnostics.map(({ message }) => message).join('\n'));
  }
  return { ...environment, name };
}

export function objectsOf(environment: Environment): KubernetesObject[] {
  return buildManifests(environment).flatMap(({ objects }) => objects);
}

/** Everything that an environment may switch on beside what the shipped ones do. */
export const WITH_EVERYTHING: readonly [string | RegExp, string][] = [
  ['tls: { at: alb }', 'tls: { at: nginx, secret: auto-dev-tls }'],
  [
    'gitlab: { url: https://gitlab.example.com }',
    'gitlab: { url: https://gitlab.example.com, in_cluster: { namespace: gitlab, labels: { app: webservice } } }',
  ],
  [
    'policy: policy.yaml',
    `policy: policy.yaml
llm: { anthropic: https://api.anthropic.com, embeddings: https://embeddings.example.com/v1 }
scaling: { keda: true }
platform: { cluster_objects: true }
storage: { shared: { class: efs, size: 500Gi } }
sandbox: { mode: bubblewrap, seccomp_profile: profiles/auto-dev-worker.json }`,
  ],
  [
    'agent-builder: { slots: 4, memory_limit: 2Gi }',
    'agent-builder: { egress: [packages.example.com] }',
  ],
];
