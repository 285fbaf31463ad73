import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { hasErrors } from '../src/config/diagnostics.ts';
import { buildManifests, manifestText } from './build.ts';
import { checklist } from './checklist.ts';
import { breaches } from './checks/rules.ts';
import { loadEnvFile } from './env-file.ts';

/**
 * Writes the manifests of an environment, or says what has to be made by hand before they can run.
 *
 *   npm run synth -- --env prod                      k8s/prod/NN-*.yaml, in the order in which they are applied
 *   npm run synth -- --env prod --image REF --deploy for a cluster: with this image, and nothing left to fill in
 *   npm run synth -- --env prod --checklist          what to make by hand
 */
const ROOT = path.join(import.meta.dirname, '..');
const ENV_FOLDER = path.join(import.meta.dirname, 'env');
const USAGE =
  'usage: npm run synth -- --env NAME [--image REF] [--deploy] [--out DIR] [--checklist]';
/** Exit codes of the product's own commands: wrong usage, an invalid file, and what is our own fault. */
const EXIT = { usage: 64, invalid: 3, broken: 1 } as const;

process.exitCode = main();

function main(): number {
  const names = readdirSync(ENV_FOLDER).flatMap((file) =>
    file === 'policy.yaml' ? [] : (/^(.+)\.yaml$/.exec(file)?.slice(1) ?? []),
  );
  const options = readOptions();
  if (options === undefined || options.env === undefined || !names.includes(options.env)) {
    process.stderr.write(`${USAGE}\nenvironments (cdk8s/env/): ${names.join(', ')}\n`);
    return EXIT.usage;
  }

  const { env, image, deploy } = options;
  const file = path.join('cdk8s/env', `${env}.yaml`);
  const { environment, diagnostics } = loadEnvFile(path.join(ENV_FOLDER, `${env}.yaml`), {
    image,
    deploy,
  });
  for (const { severity, line, column, path: at, message, remedy } of diagnostics) {
    const place = `${file}:${line}:${column}${at === '' ? '' : ` ${at}`}`;
    process.stderr.write(`${place}: ${severity}: ${message}\n  ${remedy}\n`);
  }
  if (environment === undefined || hasErrors(diagnostics)) {
    return EXIT.invalid;
  }
  if (options.checklist) {
    process.stdout.write(checklist(environment));
    return 0;
  }

  const folder = options.out ?? path.join(ROOT, 'k8s', env);
  const files = buildManifests(environment);
  const wrong = breaches(files.flatMap((manifest) => manifest.objects));
  if (wrong.length > 0) {
    process.stderr.write(
      `${wrong.join('\n')}\nnothing was written: correct cdk8s/ (the rules are in cdk8s/checks/)\n`,
    );
    return EXIT.broken;
  }
  // What an earlier run left must not be applied with this one's.
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const manifest of files) {
    writeFileSync(path.join(folder, `${manifest.name}.yaml`), manifestText(manifest, environment));
  }
  const objects = files.reduce((sum, manifest) => sum + manifest.objects.length, 0);
  const shown = path.relative(process.cwd(), folder);
  process.stdout.write(
    `${objects} objects in ${files.length} files: ${shown}/ (${Math.round(performance.now())} ms)\n`,
  );
  return 0;
}

function readOptions() {
  try {
    return parseArgs({
      options: {
        env: { type: 'string' },
        image: { type: 'string' },
        out: { type: 'string' },
        deploy: { type: 'boolean', default: false },
        checklist: { type: 'boolean', default: false },
      },
    }).values;
  } catch {
    return undefined;
  }
}
