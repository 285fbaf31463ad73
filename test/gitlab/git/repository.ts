import { appendFile, chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { execa } from 'execa';

import { gitEnvironment } from './git.ts';

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

/** The refs of merge requests are there to be read, as GitLab's are, and nobody may push to them. */
const CONFIG = `
[http]
	receivepack = true
[receive]
	fsckObjects = true
	denyDeletes = false
	denyDeleteCurrent = ignore
	advertisePushOptions = true
	hideRefs = refs/merge-requests
[uploadpack]
	allowAnySHA1InWant = true
	allowFilter = true
[gc]
	auto = 0
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
  await appendFile(join(dir, 'config'), CONFIG);
  const hook = join(dir, 'hooks', 'pre-receive');
  await mkdir(join(dir, 'hooks'), { recursive: true });
  await writeFile(hook, PRE_RECEIVE);
  await chmod(hook, 0o755);
}
