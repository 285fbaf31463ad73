import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';

import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import { runOwnGit } from './own-git.ts';
import { RESULT_REF } from './worker-git.ts';

const MAX_HEADER_BYTES = 4096;

interface ImportRequest {
  /** Host path of the bundle, as a box wrote it. */
  readonly bundle: string;
  /** A bare repository of ours that has the base. */
  readonly repository: string;
  readonly base: string;
  /** The commit that the bundle must hold, and the ref of ours that it gets. */
  readonly commit: string;
  readonly ref: string;
  readonly limits: {
    readonly bytes: number;
    readonly wallMs: number;
    readonly memoryBytes: number;
  };
}

/**
 * Brings the one commit of a bundle into a bare repository of ours. The bundle's header is read by us and its pack
 * goes to `index-pack --strict`, so that nothing but exactly this commit on exactly this base can arrive.
 * Throws PATCH_REFUSED for a bundle that is not what was announced, GIT_FAILED for a pack that git refuses.
 */
export async function importBundle(
  deps: { clock: Clock },
  { bundle, repository, base, commit, ref, limits }: ImportRequest,
  signal: AbortSignal,
): Promise<void> {
  await using file = await openBundle(bundle, limits.bytes);
  const header = Buffer.alloc(MAX_HEADER_BYTES);
  const { bytesRead } = await file.read(header, 0, MAX_HEADER_BYTES, 0);
  const packStart = checkHeader(header.subarray(0, bytesRead).toString('latin1'), { base, commit });
  const git = (args: string[], stdin?: Readable): Promise<string> =>
    runOwnGit(deps, { repository, args, stdin, ...limits }, signal);

  await git(['cat-file', '-e', `${base}^{commit}`]);
  const pack = file.createReadStream({ start: packStart, autoClose: false });
  const size = `--max-input-size=${limits.bytes}`;
  await git(['index-pack', '--stdin', '--fix-thin', '--strict', size], pack);
  await checkCommit(git, { base, commit });
  await git(['update-ref', ref, commit]);
}

async function openBundle(path: string, maxBytes: number) {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(path, flags).catch((error: unknown) => {
    throw new AppError('PATCH_REFUSED', 'the bundle cannot be opened', { cause: error });
  });
  const stats = await file.stat();
  if (!stats.isFile() || stats.size > maxBytes) {
    await file.close();
    const what = stats.isFile() ? `is larger than ${maxBytes} bytes` : 'is not a regular file';
    throw new AppError('PATCH_REFUSED', `the bundle ${what}`, {
      remedy: 'Raise the limit for patches, or split the task.',
    });
  }
  return file;
}

/** Returns where the pack begins. One prerequisite, the base; one ref, ours, at the announced commit. */
function checkHeader(text: string, { base, commit }: { base: string; commit: string }): number {
  const end = text.indexOf('\n\n');
  const lines = text.slice(0, Math.max(end, 0)).split('\n');
  const capabilities = lines[0] === '# v3 git bundle' ? [`@object-format=sha256`] : [];
  const [first = '', ...rest] = lines;
  const [required = '', tip = '', ...more] = rest.slice(capabilities.length);
  const asAnnounced =
    /^# v[23] git bundle$/.test(first) &&
    capabilities.every((each, index) => rest[index] === each) &&
    (required === `-${base}` || required.startsWith(`-${base} `)) &&
    tip === `${commit} ${RESULT_REF}` &&
    more.length === 0;
  if (!asAnnounced) {
    throw new AppError('PATCH_REFUSED', 'the bundle is not the one commit that was announced');
  }
  return end + 2;
}

async function checkCommit(
  git: (args: string[]) => Promise<string>,
  { base, commit }: { base: string; commit: string },
): Promise<void> {
  const parents = await git(['rev-list', '--parents', '--max-count=1', commit]);
  if (parents.trim() !== `${commit} ${base}`) {
    throw new AppError('PATCH_REFUSED', 'the commit of the bundle does not stand on its base');
  }
  // Fails when an object that the commit needs is in neither the pack nor the repository.
  await git(['rev-list', '--objects', '--quiet', commit, `^${base}`]);
}
