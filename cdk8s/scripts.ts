import { readFileSync } from 'node:fs';
import path from 'node:path';

const FILES = [
  'postgres-roles.sh',
  'dump-postgres.sh',
  'snapshot-qdrant.mjs',
  'encrypt.sh',
] as const;

/** The scripts that stores and backups run in the cluster, by name; pods find them below SCRIPTS_FOLDER. */
export const SCRIPTS: Readonly<Record<string, string>> = Object.fromEntries(
  FILES.map((name) => [
    name,
    readFileSync(path.join(import.meta.dirname, 'scripts', name), 'utf8'),
  ]),
);

export const SCRIPTS_FOLDER = '/etc/auto-dev-scripts';
