import { expect, test } from 'vitest';

import { systemClock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import { silentLog } from '../../kernel/log.ts';
import { createGitlabForge } from './forge.ts';
import { NEVER, startShop } from './gitlab-forge-fixture.ts';
import { putIssue } from './issues.ts';
import { openMergeRequest } from './merge-requests.ts';
import { putNote } from './notes.ts';
import { commentOnLine } from './review.ts';
import { setStatus } from './statuses.ts';

/** As an effect is: tried again for as long as the error says that this may help. */
async function persist<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof AppError) || !error.retryable || tries === 50) {
        throw error;
      }
    }
  }
}

test.each([
  [1, 'free'],
  [2, 'premium'],
] as const)(
  'a GitLab that fails at random (seed %i, %s) ends with everything done once',
  async (seed, tier) => {
    await using shop = await startShop(
      { tier },
      { limits: { backoffMs: 1, tryMs: 20_000, totalMs: 2_000 } },
    );
    shop.gitlab.addMember(shop.project, shop.bot, 'maintainer');
    const forge = createGitlabForge(
      {
        client: shop.client,
        git: shop.git,
        clock: systemClock,
        log: silentLog,
        scratch: shop.folder,
        mirrors: shop.folder,
      },
      { matches: () => true },
    );
    const work = shop.work({ 'src/fix.ts': 'one\ntwo\n' });
    const [branch, { head }] = ['autodev/fix', work];
    shop.gitlab.faults.random({ seed, rate: 0.2 });

    await persist(() =>
      forge.publishBranch(
        shop.repo,
        { branch, head, bundle: work.bundle(), expected: undefined },
        NEVER,
      ),
    );
    const words = { title: 'Fix', description: 'Because.', labels: ['a'], reviewers: ['alice'] };
    const { number } = await persist(() =>
      openMergeRequest(forge, shop.repo, { branch, ...words, draft: false }, NEVER),
    );
    const target = { kind: 'merge_request', number } as const;
    for (const body of ['One.', 'Two.']) {
      await persist(() => putNote(forge, shop.repo, { target, marker: 'plan', body }, NEVER));
    }
    const comment = { marker: 'effect:1', path: 'src/fix.ts', line: 2, body: 'Why?' };
    await persist(() => commentOnLine(forge, shop.repo, { number, comment }, NEVER));
    await persist(() =>
      putIssue(
        forge,
        shop.repo,
        { marker: 'config', title: 'Look', description: '', labels: [], since: new Date(0) },
        NEVER,
      ),
    );
    const status = {
      name: 'autodev/config',
      state: 'success',
      description: 'Valid',
      branch,
    } as const;
    await persist(() => setStatus(shop.client, shop.repo, { sha: head, status, waitMs: 1 }, NEVER));
    const merged = await persist(() =>
      forge.merge(shop.repo, { branch, head, message: 'Merge' }, NEVER),
    );
    await persist(() => forge.deleteBranch(shop.repo, { branch, head }, NEVER));

    const { mergeRequests, issues, pipelines } = shop.gitlab.state;
    expect(mergeRequests).toMatchObject([{ iid: 1, state: 'merged' }]);
    expect(issues).toHaveLength(1);
    const notes = mergeRequests[0]?.discussions.flatMap((one) => one.notes) ?? [];
    const own = notes.filter(({ author, system }) => author === shop.bot && !system);
    expect(new Set(own.map(({ body }) => body.split('\n')[1]))).toEqual(new Set(['Two.', 'Why?']));
    expect(own).toHaveLength(2);
    const jobs = pipelines.flatMap((one) => one.jobs).filter(({ name }) => name === status.name);
    expect(jobs).toHaveLength(1);
    expect(await shop.gitlab.head(shop.project)).toBe(merged.commit);
    expect(await shop.gitlab.head(shop.project, branch)).toBeUndefined();
  },
);
