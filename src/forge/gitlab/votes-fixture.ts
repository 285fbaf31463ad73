import type { MergeRequest } from '../../../test/gitlab/records.ts';
import type { Tier } from '../../../test/gitlab/world.ts';
import type { ForgeQuestion } from '../../domain/forge-question.ts';
import { decideForgeVotes, QUIET_MS } from '../../domain/forge-verdict.ts';
import type { ApprovalRule } from '../../domain/spec.ts';
import type { Clock } from '../../kernel/clock.ts';
import { systemClock } from '../../kernel/clock.ts';
import { NEVER, startShop } from './gitlab-forge-fixture.ts';
import { createGitlabVotes } from './vote-forge.ts';

export const DEFAULT_RULE: ApprovalRule = {
  gate: 'merge',
  approvals: 1,
  role: 'developer',
  users: [],
  groups: [],
  paths: [],
  agents: [],
};

/** A GitLab with an open merge request of ours, and our verdict on it whenever it is asked for. */
export async function startVotes(tier: Tier) {
  // The client needs the server's time, which it is made after.
  const time: { now: () => Date } = { now: () => new Date(0) };
  const clock: Clock = {
    now: () => time.now(),
    sleep: (ms, signal) => systemClock.sleep(ms, signal),
  };
  const shop = await startShop({ tier, checkingReads: 0 }, { clock });
  const { gitlab, project, bot, repo, client } = shop;
  time.now = () => gitlab.manualClock.now();
  const votes = createGitlabVotes(client);
  const head = await gitlab.push(project, {
    branch: 'autodev/fix',
    by: bot,
    files: { 'src/add.ts': 'one\n' },
  });
  const opened = await gitlab
    .as(bot)
    .openMergeRequest(project, { source: 'autodev/fix', title: 'Fix' });
  // People look at it a while later.
  await gitlab.manualClock.advance(60_000);

  const read = (mergeRequest: MergeRequest = opened, change: Partial<ForgeQuestion> = {}) =>
    votes.readVotes(
      repo,
      mergeRequest.iid,
      {
        published: change.ours?.published ?? [head],
        requesters: change.requesters ?? [],
        groups: Object.values(change.rules ?? {}).flatMap(({ groups }) => [...groups]),
      },
      NEVER,
    );
  return {
    ...shop,
    votes,
    head,
    mergeRequest: opened,
    read,
    advance: (ms: number) => gitlab.manualClock.advance(ms),
    async decide(change: Partial<ForgeQuestion> = {}, mergeRequest = opened) {
      const { facts, bot: us, now } = await read(mergeRequest, change);
      const bindings = await votes.bindNames(
        {
          users: Object.values(change.rules ?? {}).flatMap(({ users }) => [...users]),
          groups: Object.values(change.rules ?? {}).flatMap(({ groups }) => [...groups]),
        },
        NEVER,
      );
      return decideForgeVotes({
        gate: 'merge',
        request: facts,
        ours: { bot: us, identities: [bot.name, bot.email], published: [head] },
        expected: { head, target: 'main' },
        rules: { default: DEFAULT_RULE },
        merge: 'human',
        requesters: [],
        bindings,
        spent: [],
        quietMs: QUIET_MS,
        now,
        matches: (glob, path) => glob === path,
        ...change,
      });
    },
  };
}
