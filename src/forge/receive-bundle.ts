import { createWriteStream, existsSync } from 'node:fs';
import { chown, copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import type { Git, GitPlace } from './git.ts';
import { sweep } from './sweep.ts';

export interface ReceiveDeps {
  git: Git;
  clock: Clock;
  /** A folder for quarantines that every owner of a repository can enter, such as the system's temporary one. */
  scratch: string;
  /** A larger bundle is TOO_LARGE. */
  maxBundleBytes: number;
}

/** Settings of git that leave no trace of a ref that moves. */
export const QUIET_REFS = ['core.logAllRefUpdates=false'];

/**
 * Brings the commit `head` of a bundle into a repository, by way of a quarantine, and checks every object on its
 * way. No ref is made; git keeps objects without one for two weeks. PATCH_REFUSED when the bundle does not bring the
 * commit or the commit holds what git refuses.
 *
 * @param objects the folder `objects` lies in, of the repository that `place` is about
 */
export async function receiveBundle(
  deps: ReceiveDeps,
  {
    place,
    objects,
    bundle,
    head,
  }: { place: GitPlace; objects: string; bundle: Readable; head: string },
  signal: AbortSignal,
): Promise<void> {
  const prefix = join(deps.scratch, 'autodev-publish-');
  await sweep(deps, prefix);
  const quarantine = await mkdtemp(prefix);
  try {
    await unpack(deps, { quarantine, objects, place, bundle, head }, signal);
    await bringIn(deps.git, { place, quarantine }, signal);
  } finally {
    await rm(quarantine, { recursive: true, force: true });
  }
}

/** Unpacks the bundle in a bare repository of its own that borrows the target's objects. */
async function unpack(
  { git, maxBundleBytes }: ReceiveDeps,
  {
    quarantine,
    objects,
    place,
    bundle,
    head,
  }: { quarantine: string; objects: string; place: GitPlace; bundle: Readable; head: string },
  signal: AbortSignal,
): Promise<void> {
  const inside: GitPlace = { ...place, cwd: quarantine, safeDirectories: [quarantine] };
  const file = join(quarantine, 'bundle');
  await pipeline(bundle, limit(maxBundleBytes), createWriteStream(file), { signal });
  if (place.as) {
    await chown(quarantine, place.as.uid, place.as.gid);
    await chown(file, place.as.uid, place.as.gid);
  }
  const format = head.length === 64 ? ['--object-format=sha256'] : [];
  await git.run(inside, ['init', '--quiet', '--bare', '--template=', ...format], signal);
  const alternates = join(quarantine, 'objects', 'info', 'alternates');
  await writeFile(alternates, `${join(objects, 'objects')}\n`);
  const shallow = join(objects, 'shallow');
  if (existsSync(shallow)) {
    await copyFile(shallow, join(quarantine, 'shallow'));
  }
  try {
    await git.run(inside, ['bundle', 'unbundle', file], signal);
    await git.run(inside, ['update-ref', 'refs/heads/incoming', head], signal);
  } catch (cause) {
    throw new AppError('PATCH_REFUSED', `The bundle does not bring ${head}.`, { cause });
  }
}

/** Unpacking checks no object; fetching what was unpacked does. */
async function bringIn(
  git: Git,
  { place, quarantine }: { place: GitPlace; quarantine: string },
  signal: AbortSignal,
): Promise<void> {
  const plain = ['--no-auto-maintenance', '--no-recurse-submodules'];
  try {
    await git.run(
      place,
      [
        'fetch',
        '--quiet',
        '--no-tags',
        '--no-write-fetch-head',
        ...plain,
        quarantine,
        'refs/heads/incoming',
      ],
      signal,
      { config: ['fetch.fsckObjects=true', ...QUIET_REFS] },
    );
  } catch (error) {
    const fault = /error: object [0-9a-f]+: (.*)/;
    const found = error instanceof AppError ? fault.exec(error.message) : null;
    if (!found) {
      throw error;
    }
    throw new AppError('PATCH_REFUSED', `The commit holds what git refuses: ${found[1]}`, {
      cause: error,
    });
  }
}

function limit(maxBytes: number): Transform {
  let left = maxBytes;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      left -= chunk.length;
      done(
        left < 0 ? new AppError('TOO_LARGE', `The work is larger than ${maxBytes} bytes.`) : null,
        chunk,
      );
    },
  });
}
