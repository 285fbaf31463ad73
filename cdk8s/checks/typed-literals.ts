import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import type { KubernetesObject } from '../build.ts';
import { titleOf } from './rule.ts';

const ROOT = path.join(import.meta.dirname, '../..');
/** The package that has the types of a group; Kubernetes' own are in the first. */
const PACKAGES: Readonly<Record<string, string>> = {
  'cilium.io': '@kubernetes-models/cilium',
  'external-secrets.io': '@kubernetes-models/external-secrets',
  'keda.sh': '@kubernetes-models/keda',
  'monitoring.coreos.com': '@kubernetes-models/prometheus-operator',
};
const OPTIONS =
  '--ignoreConfig --noEmit --strict --exactOptionalPropertyTypes false --module nodenext --target esnext --types --skipLibCheck --pretty false';

/**
 * Holds every object to the types of its kind: as a literal, so that an unknown field is an error like a wrong value.
 * Answers what tsc says, each with the object.
 */
export async function typeErrors(objects: readonly KubernetesObject[]): Promise<string[]> {
  const folder = await mkdtemp(path.join(tmpdir(), 'auto-dev-manifests-'));
  try {
    await symlink(path.join(ROOT, 'node_modules'), path.join(folder, 'node_modules'));
    const file = path.join(folder, 'manifests.ts');
    await writeFile(file, objects.map(literal).join('\n'));
    const output = await tsc(file);
    return output.split('\n').flatMap((line) => {
      const [, row, problem] = /manifests\.ts\((\d+),\d+\): error (.*)/.exec(line) ?? [];
      const object = objects[Number(row) - 1];
      return object === undefined || problem === undefined
        ? []
        : [`${titleOf(object)}: ${problem}`];
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** One line each, so that a line's number is the object's. */
function literal(object: KubernetesObject, i: number): string {
  const { apiVersion, kind } = object;
  const types = `${PACKAGES[apiVersion.split('/')[0] ?? ''] ?? 'kubernetes-models'}/${apiVersion}/${kind}`;
  return `import type { I${kind} as T${i} } from '${types}'; export const o${i}: T${i} = ${JSON.stringify(object)};`;
}

function tsc(file: string): Promise<string> {
  const program = path.join(ROOT, 'node_modules/.bin/tsc');
  // An empty `--types`: nothing of this project's own.
  const argv = [
    ...OPTIONS.split(' ').flatMap((word) => (word === '--types' ? [word, ''] : [word])),
    file,
  ];
  return new Promise((resolve, reject) => {
    execFile(program, argv, { maxBuffer: 2 ** 24 }, (error, stdout, stderr) => {
      // 1 and 2 are what it ends with when it has found something; without a line of it, it did not run.
      if (error !== null && stdout === '') {
        reject(new Error(`tsc did not run: ${stderr || error.message}`));
      } else {
        resolve(stdout);
      }
    });
  });
}
