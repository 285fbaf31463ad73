import { existsSync } from 'node:fs';
import { join } from 'node:path';

import type { Clock } from '../../kernel/clock.ts';
import type { ForgeRepo } from '../forge.ts';
import type { Git } from '../git.ts';
import { ALL_BRANCHES, createMirrorFetch, FETCH, inMirror, type FetchMirror } from '../mirror.ts';
import { placeOf, requireFolders } from './place.ts';

/** Mirrors of repositories on this machine. */
export function createLocalMirrorFetch({ git, clock }: { git: Git; clock: Clock }): FetchMirror {
  return createMirrorFetch(
    { git, clock },
    {
      objectFormat(repo, signal) {
        const source = placeOf(requireFolders(repo.location));
        return git.text(source, ['rev-parse', '--show-object-format'], signal);
      },
      isCurrent: (repo, mirror, signal) => isCurrent(git, repo, mirror, signal),
      async fetch({ location }, mirror, signal) {
        const { top, gitDir, commonDir } = requireFolders(location);
        const fetch = [
          ...FETCH,
          // A repository that was cloned with a depth is mirrored as far as it goes.
          '--update-shallow',
          // Settings of the command line do not reach the serving side, which checks whose repository it is.
          `--upload-pack=git ${[top, gitDir, commonDir].map(safeDirectory).join(' ')} upload-pack`,
          commonDir,
          ALL_BRANCHES,
        ];
        await git.run(inMirror(mirror), fetch, signal);
      },
    },
  );
}

/**
 * Whether the mirror has the very branches of its source. Asked first, because a fetch that has nothing to bring
 * still starts six processes and takes several times as long as these three, which run at the same time. A history
 * that was cloned with a depth can grow without a branch that moves: that is left to the fetch.
 */
async function isCurrent(
  git: Git,
  repo: ForgeRepo,
  mirror: string,
  signal: AbortSignal,
): Promise<boolean> {
  const folders = requireFolders(repo.location);
  if ([folders.commonDir, mirror].some((each) => existsSync(join(each, 'shallow')))) {
    return false;
  }
  const list = ['for-each-ref', '--format=%(objectname) %(refname)', 'refs/heads'];
  const branch = ['rev-parse', '--quiet', '--verify', `refs/heads/${repo.branch}^{tree}`];
  const [theirs, ours, { code }] = await Promise.all([
    git.text(placeOf(folders), list, signal),
    git.text(inMirror(mirror), list, signal),
    git.run(inMirror(mirror), branch, signal, { answers: [0, 1, 128] }),
  ]);
  return theirs === ours && code === 0;
}

function safeDirectory(folder: string): string {
  return `-c 'safe.directory=${folder.replaceAll("'", String.raw`'\''`)}'`;
}
