import { readFileSync } from 'node:fs';

/**
 * Says in the merge request what it would change in the cluster: `node cdk8s/post-diff-note.ts diff.txt`, in a job of
 * a merge request's pipeline, with a token of the scope `api` as NOTE_TOKEN.
 */
const LONGEST = 60_000;

const [file = 'diff.txt'] = process.argv.slice(2);
const { CI_API_V4_URL, CI_PROJECT_ID, CI_MERGE_REQUEST_IID, NOTE_TOKEN = '' } = process.env;
const url = `${CI_API_V4_URL}/projects/${CI_PROJECT_ID}/merge_requests/${CI_MERGE_REQUEST_IID}/notes`;

const response = await fetch(url, {
  method: 'POST',
  headers: { 'private-token': NOTE_TOKEN, 'content-type': 'application/json' },
  body: JSON.stringify({ body: note(readFileSync(file, 'utf8')) }),
});
if (!response.ok) {
  process.stderr.write(`GitLab answered ${response.status} to ${url}\n`);
  process.exitCode = 1;
}

function note(diff: string): string {
  if (diff.trim() === '') {
    return 'Nothing would change in the cluster.';
  }
  const shown =
    diff.length > LONGEST ? `${diff.slice(0, LONGEST)}\n… the rest is in the job's artifact` : diff;
  // More backticks than the text has, so that nothing of it ends the block.
  const fence = '`'.repeat(Math.max(3, ...(diff.match(/`+/g) ?? []).map((run) => run.length + 1)));
  return `What would change in the cluster:\n\n${fence}diff\n${shown}\n${fence}`;
}
