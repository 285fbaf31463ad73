import type { Clock } from '../../kernel/clock.ts';
import type { Git } from '../git.ts';
import { ALL_BRANCHES, createMirrorFetch, FETCH, inMirror, type FetchMirror } from '../mirror.ts';
import type { GitAccess } from './git-access.ts';
import type { Projects } from './projects.ts';

/** Mirrors of projects on GitLab. */
export function createGitlabMirrorFetch({
  git,
  clock,
  access,
  projects,
}: {
  git: Git;
  clock: Clock;
  access: GitAccess;
  projects: Projects;
}): FetchMirror {
  return createMirrorFetch(
    { git, clock },
    {
      objectFormat: async (repo, signal) =>
        (await projects.get(Number(repo.location), signal)).objectFormat,
      // Listing the branches there takes as many requests as a fetch that brings nothing.
      isCurrent: () => Promise.resolve(false),
      async fetch(repo, mirror, signal) {
        const args = (url: string) => [...FETCH, url, ALL_BRANCHES];
        await access.run(repo, inMirror(mirror), args, signal);
      },
    },
  );
}
