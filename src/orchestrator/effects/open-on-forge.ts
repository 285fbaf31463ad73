import type { Artifact } from '../../db/artifacts.ts';
import { getRevisionInForce } from '../../db/revisions.ts';
import { matchingRules } from '../../domain/approval-verdict.ts';
import { chooseReviewers } from '../../domain/choose-reviewers.ts';
import { defuseText, defuseTitle } from '../../domain/defuse-text.ts';
import type { PublishedBranch } from '../../forge/forge.ts';
import { AppError } from '../../kernel/errors.ts';
import type { EffectContext, EffectDeps } from '../effect-handler.ts';
import { outputOf } from '../output-payload.ts';

/**
 * Opens the merge request of a published branch where people see it, or brings the open one to these words. Answers
 * its number; undefined where the forge has none. What the agent wrote says nothing there that would act.
 */
export async function openOnForge(
  { db, review, matches }: Pick<EffectDeps, 'db' | 'review' | 'matches'>,
  { effect, repo, job }: EffectContext,
  { artifact, published }: { artifact: Artifact; published: PublishedBranch },
  signal: AbortSignal,
): Promise<number | undefined> {
  if (repo.forge !== 'gitlab') {
    return undefined;
  }
  if (!review) {
    throw new AppError('UNAVAILABLE', `${repo.path} is on GitLab, and none is set up here.`, {
      remedy: 'Set GITLAB_URL and GITLAB_TOKEN for the orchestrator.',
    });
  }
  const { title, description } = outputOf(effect, 'merge_request');
  const { spec } = await getRevisionInForce(db, repo.id);
  const linkHosts = spec.links.allow;
  const { paths } = artifact.stat;
  const rules = matchingRules({
    gate: 'merge',
    rules: spec.approvals,
    agent: job.agent,
    paths,
    matches,
  });
  const { number } = await review.openMergeRequest(
    repo,
    {
      branch: published.branch,
      title: defuseTitle(title, { linkHosts }),
      description: [
        defuseText(description, { linkHosts }),
        `---\n\`j_${job.id}\` of the ${job.agent}, started by ${job.trigger.kind}${job.trigger.name === undefined ? '' : ` \`${job.trigger.name}\``}. Rules that apply: ${rules.map(([name]) => `\`${name}\``).join(', ')}.`,
      ].join('\n\n'),
      labels: [`autodev::${job.agent}`],
      reviewers: chooseReviewers({
        wish: spec.agents[job.agent]?.allow.merge_request?.reviewers,
        rules: rules.map(([, rule]) => rule),
        turn: job.rootId,
      }),
      draft: false,
    },
    signal,
  );
  return number;
}
