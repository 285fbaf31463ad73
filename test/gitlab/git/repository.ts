import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { execa } from 'execa';

import { bareGit, gitEnvironment } from './git.ts';

/**
 * Refuses what the pusher may not do. The server names the refs in the environment, with spaces around each:
 * NO_PUSH may not be pushed at all, NO_FORCE not rewound or deleted.
 */
const PRE_RECEIVE = `#!/bin/sh
zero=0000000000000000000000000000000000000000
while read -r old new ref; do
  case "$GITLAB_NO_PUSH" in
    *" $ref "*)
      echo "GitLab: You are not allowed to push code to protected branches on this project." >&2
      exit 1 ;;
  esac
  case "$GITLAB_NO_FORCE" in
    *" $ref "*)
      if [ "$new" = "$zero" ]; then
        echo "GitLab: You can only delete protected branches using the web interface." >&2
        exit 1
      fi
      if [ "$old" != "$zero" ] && ! git merge-base --is-ancestor "$old" "$new"; then
        echo "GitLab: You are not allowed to force push code to a protected branch on this project." >&2
        exit 1
      fi ;;
  esac
done
`;

/** Makes a bare repository, empty or as a copy of another (a fork). */
export async function makeRepository(
  { path }: { path: string },
  { dir, branch, copyOf }: { dir: string; branch: string; copyOf?: string },
): Promise<void> {
  await mkdir(dir, { recursive: true });
  const env = gitEnvironment(path);
  const options = { env, extendEnv: false };
  await (copyOf === undefined
    ? execa('git', ['init', '--quiet', '--bare', `--initial-branch=${branch}`, dir], options)
    : execa('git', ['clone', '--quiet', '--bare', '--no-hardlinks', copyOf, dir], options));
  const git = bareGit({ path }, dir);
  for (const [key, value] of [
    ['http.receivepack', 'true'],
    ['receive.fsckObjects', 'true'],
    ['receive.denyDeletes', 'false'],
    ['receive.denyDeleteCurrent', 'ignore'],
    ['uploadpack.allowAnySHA1InWant', 'true'],
    ['uploadpack.allowFilter', 'true'],
    ['receive.advertisePushOptions', 'true'],
    // Kept for merge requests: GitLab has them, and nobody may push to them.
    ['receive.hideRefs', 'refs/merge-requests'],
    ['gc.auto', '0'],
  ] as const) {
    await git.text(['config', key, value]);
  }
  const hook = join(dir, 'hooks', 'pre-receive');
  await mkdir(join(dir, 'hooks'), { recursive: true });
  await writeFile(hook, PRE_RECEIVE);
  await chmod(hook, 0o755);
}
