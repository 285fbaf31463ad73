import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { Type } from 'typebox';
import { Value } from 'typebox/value';

/**
 * Adds to package-lock.json the optional packages of other platforms that a registry did not have when the lock was
 * written. npm leaves those out without a word, and then `npm ci` refuses the lock as out of step. An entry needs no
 * checksum: it is skipped where the platform differs.
 *
 *   node test/gates/complete-lock.ts     (npm run lock; after every `npm install` that changes the lock)
 */
const Versions = Type.Record(Type.String(), Type.String());
const LockFile = Type.Object({
  packages: Type.Record(
    Type.String(),
    Type.Object({
      dev: Type.Optional(Type.Boolean()),
      optionalDependencies: Type.Optional(Versions),
    }),
  ),
});

interface Entry {
  readonly version: string;
  readonly cpu: readonly string[];
  readonly dev?: true;
  readonly libc?: readonly string[];
  readonly optional: true;
  readonly os: readonly string[];
}

/** Location in node_modules -> the entry that is missing. */
export function missingEntries(lock: unknown): Map<string, Entry> {
  const { packages } = Value.Parse(LockFile, lock);
  const missing = new Map<string, Entry>();
  for (const { dev, optionalDependencies = {} } of Object.values(packages)) {
    for (const [name, version] of Object.entries(optionalDependencies)) {
      const location = `node_modules/${name}`;
      if (packages[location] === undefined) {
        missing.set(location, {
          version,
          ...platformOf(name),
          ...(dev === true && { dev }),
          optional: true,
        });
      }
    }
  }
  return missing;
}

const PLATFORM =
  /(android|darwin|freebsd|linux|openharmony|win32)-(arm64|arm|ia32|ppc64|riscv64|s390x|x64)(?:-(gnu|musl)?\w*)?$/;

/** `@oxlint/binding-linux-x64-musl` -> os linux, cpu x64, libc musl. */
function platformOf(name: string): Pick<Entry, 'os' | 'cpu' | 'libc'> {
  const [, os, cpu, libc] = PLATFORM.exec(name) ?? [];
  if (os === undefined || cpu === undefined) {
    throw new Error(`${name} names no platform: add its entry to package-lock.json by hand`);
  }
  return {
    cpu: [cpu],
    ...(os === 'linux' && libc !== undefined && { libc: [libc === 'gnu' ? 'glibc' : libc] }),
    os: [os],
  };
}

if (import.meta.main) {
  const file = path.join(import.meta.dirname, '..', '..', 'package-lock.json');
  const lock: { packages: Record<string, object> } = JSON.parse(await readFile(file, 'utf8'));
  const added = missingEntries(lock);
  const packages = Object.entries({ ...lock.packages, ...Object.fromEntries(added) });
  // npm's order, so that its next write changes nothing.
  lock.packages = Object.fromEntries(packages.toSorted(([a], [b]) => a.localeCompare(b, 'en')));
  await writeFile(file, `${JSON.stringify(lock, null, 2)}\n`);
  process.stdout.write(`package-lock.json: ${added.size} entries added\n`);
}
