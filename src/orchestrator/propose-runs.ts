import { listUnproposedRuns, watchReview } from '../db/forge-reviews.ts';
import { getRepo } from '../db/repos.ts';
import { chooseReviewers } from '../domain/choose-reviewers.ts';
import { defuseText, defuseTitle } from '../domain/defuse-text.ts';
import { COMMANDS } from '../domain/note-command.ts';
import { contain } from './contain.ts';
import type { ReviewDeps } from './review-deps.ts';

/**
 * Puts each job that waits for people before it starts to them as a merge request of one small file, because that is
 * where they vote. It is closed unmerged when it is decided, so nothing of it stays. Doing it twice does it once: the
 * branch and its merge request are found again.
 */
export async function proposeRuns(deps: ReviewDeps, signal: AbortSignal): Promise<number> {
  const gates = await listUnproposedRuns(deps.db, BATCH);
  for (const gate of gates) {
    await contain(deps, { sweep: 'proposal', rowId: gate.id }, async () => {
      await propose(deps, gate, signal);
    });
  }
  return gates.length;
}

const BATCH = 20;

async function propose(
  { db, forge, review }: ReviewDeps,
  gate: Awaited<ReturnType<typeof listUnproposedRuns>>[number],
  signal: AbortSignal,
): Promise<void> {
  const repo = await getRepo(db, gate.repoId);
  const base = (await forge.readHeads([repo], signal)).get(repo.id);
  if (typeof base !== 'string') {
    throw base ?? new Error(`no head of ${repo.path}`);
  }
  const branch = `autodev/run/g-${gate.id}`;
  const title = defuseTitle(gate.title, { linkHosts: [] });
  const task = defuseText(gate.body, { linkHosts: [] });
  const head = await review.offerFile(
    repo,
    {
      branch,
      base,
      path: `.autodev/proposals/g-${gate.id}.md`,
      content: `# ${title}\n\n${task}\n`,
      message: title,
    },
    signal,
  );
  const usage = COMMANDS.slice(0, 2).map(([command, does]) => `- \`${command}\`: ${does}`);
  const { number } = await review.openMergeRequest(
    repo,
    {
      branch,
      title,
      description: `${task}\n\n---\nThe job \`j_${gate.jobId}\` starts when this is approved; there is nothing to merge, and it is closed then.\n\n${usage.join('\n')}`,
      labels: ['autodev::run'],
      reviewers: chooseReviewers({
        wish: 'round_robin',
        rules: gate.rules.map(({ rule }) => rule),
        turn: gate.id,
      }),
      draft: false,
    },
    signal,
  );
  await db.transaction((tx) =>
    watchReview(tx, { repoId: repo.id, number, kind: 'run', gateId: gate.id, published: head }),
  );
}
