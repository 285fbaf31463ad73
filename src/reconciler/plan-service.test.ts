import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { sql } from '../db/sql.ts';
import { carryOutEffects } from '../orchestrator/effects.ts';
import { configReview, FILE, FIRST, SECOND } from './config-review-fixture.ts';
import { planDue, scanMergeRequests } from './plan-service.ts';

test('a merge request that changes the configuration gets one note with its plan, and statuses', async ({
  db,
}) => {
  await using shop = await configReview(db);
  await shop.reconcile();
  const request = await shop.propose({ [FILE]: SECOND });

  await shop.tell(request);

  const [note, ...others] = shop.notes(request);
  expect(others).toEqual([]);
  expect(note).toContain('### Auto-Dev plan: 1 to add, 2 to change, 1 to remove');
  expect(note).toContain('- ⚠ Agent `builder` loosens: `limits.usd` `3` → `5` (line 3)');
  expect(note).toMatch(/\| `nightly` \| \w{3} \d{4}-\d\d-\d\d 03:00 /u);
  expect(note).toContain('! agent.builder\n-   limits.usd: 3\n+   limits.usd: 5');
  expect(await shop.statuses()).toEqual([
    expect.stringMatching(
      /^autodev\/config success: 1 to add, 2 to change, 1 to remove, \d of them loosen$/u,
    ),
    expect.stringMatching(
      /^autodev\/approval failed: \d changes loosen: 1 maintainer must agree$/u,
    ),
  ]);
});

test('told again without a change nothing is written again', async ({ db }) => {
  await using shop = await configReview(db);
  await shop.reconcile();
  const request = await shop.propose({ [FILE]: SECOND });
  await shop.tell(request);
  const written = () =>
    shop.gitlab
      .requests()
      .filter(({ method, url }) => method !== 'GET' && !url.endsWith('/graphql'));
  const before = written().length;

  await shop.tell(request);

  expect(written()).toHaveLength(before);
});

test('a push brings the same note to the new plan', async ({ db }) => {
  await using shop = await configReview(db);
  await shop.reconcile();
  const request = await shop.propose({ [FILE]: SECOND });
  await shop.tell(request);

  await shop.gitlab.push(shop.project, {
    branch: 'change',
    by: shop.bob,
    files: { [FILE]: FIRST.replace('usd: 3', 'usd: 2') },
  });
  await shop.tell(request);

  expect(shop.notes(request)).toHaveLength(1);
  expect(shop.notes(request)[0]).toContain('0 to add, 1 to change, 0 to remove');
  expect(shop.notes(request)[0]).toContain('nothing is loosened, so merging it is enough');
});

test('an invalid file shows its problems and fails its status', async ({ db }) => {
  await using shop = await configReview(db);
  await shop.reconcile();
  const request = await shop.propose({ [FILE]: FIRST.replace('bug-finder: {}', 'bug-findr: {}') });

  await shop.tell(request);

  expect(shop.notes(request)[0]).toContain('the configuration is invalid');
  expect(shop.notes(request)[0]).toContain('**Line 3, column 3**');
  expect(shop.notes(request)[0]).toContain('What runs stays as it is');
  expect(await shop.statuses()).toEqual([
    expect.stringMatching(/^autodev\/config failed: Line 3: /u),
  ]);
});

test('what touches other files gets no note and no status', async ({ db }) => {
  await using shop = await configReview(db);
  await shop.reconcile();
  const request = await shop.propose({ 'src/add.ts': 'one\n' });

  await shop.tell(request);

  expect([shop.notes(request), await shop.statuses(), await shop.state(request)]).toEqual([
    [],
    [],
    'unrelated',
  ]);
});

test('a file that the configuration names counts as the configuration', async ({ db }) => {
  await using shop = await configReview(db, {
    file: FIRST.replace('builder: {', 'builder: { instructions: { file: docs/builder.md },'),
  });
  await shop.gitlab.push(shop.project, {
    branch: 'main',
    by: shop.alice,
    files: { 'docs/builder.md': 'Be careful.\n' },
  });
  await shop.reconcile();
  const request = await shop.propose({ 'docs/builder.md': 'Be quick.\n' });

  await shop.tell(request);

  expect(shop.notes(request)[0]).toContain('0 to add, 1 to change, 0 to remove');
  expect(shop.notes(request)[0]).toContain('Be quick.');
});

test('only comments changed: the note says that nothing does', async ({ db }) => {
  await using shop = await configReview(db);
  await shop.reconcile();
  const request = await shop.propose({ [FILE]: `# What our agents do.\n${FIRST}` });

  await shop.tell(request);

  expect(shop.notes(request)[0]).toContain('### Auto-Dev plan: no change');
  expect(await shop.statuses()).toContain('autodev/config success: No change to what runs');
});

test('when the target moves the plan is made again; where both changed the file it is out of date', async ({
  db,
}) => {
  await using shop = await configReview(db);
  await shop.reconcile();
  const request = await shop.propose({ [FILE]: SECOND });
  await shop.tell(request);

  await shop.gitlab.push(shop.project, {
    branch: 'main',
    by: shop.alice,
    files: { [FILE]: `${FIRST}# one more line\n` },
  });
  await shop.reconcile();
  await shop.plan();
  await shop.publish();

  expect(shop.notes(request)).toHaveLength(1);
  expect(shop.notes(request)[0]).toContain('### Auto-Dev plan: out of date');
  expect((await shop.statuses()).at(-1)).toMatch(
    /^autodev\/config failed: main changed the same file/u,
  );
});

test('after the merge the note says that what was planned is in force', async ({ db }) => {
  await using shop = await configReview(db);
  await shop.reconcile();
  const request = await shop.propose({ [FILE]: SECOND });
  await shop.tell(request);

  await shop.gitlab.as(shop.alice).merge(request);
  await shop.tell(request);
  const early = shop.notes(request)[0];
  await shop.reconcile();
  await shop.plan();
  await shop.publish();

  expect(early).toContain('is being applied');
  expect(shop.notes(request)).toHaveLength(1);
  expect(shop.notes(request)[0]).toMatch(
    /✔ `\w{8}` is in force \d+ s after the merge, exactly as planned\./u,
  );
  expect(await shop.state(request)).toBe('applied');
});

test('what was merged with commits that nobody saw a plan of is said to be so', async ({ db }) => {
  await using shop = await configReview(db);
  await shop.reconcile();
  const request = await shop.propose({ [FILE]: SECOND });
  await shop.tell(request);
  await shop.gitlab.push(shop.project, {
    branch: 'change',
    by: shop.bob,
    files: { [FILE]: SECOND.replace('usd: 5', 'usd: 50') },
  });

  await shop.gitlab.as(shop.alice).merge(request);
  await shop.reconcile();
  await shop.tell(request);

  expect(shop.notes(request)[0]).toContain('before a plan of its last commit was shown');
});

test('a change of policy between plan and merge shows as a difference', async ({ db }) => {
  await using shop = await configReview(db);
  await shop.reconcile();
  const request = await shop.propose({ [FILE]: SECOND });
  await shop.tell(request);

  await shop.gitlab.as(shop.alice).merge(request);
  const load = shop.deps.load;
  shop.deps.load = (repo, source, readFile) =>
    load(repo, Buffer.from(Buffer.from(source).toString().replace('usd: 5', 'usd: 4')), readFile);
  await shop.reconcile();
  await shop.tell(request);

  expect(shop.notes(request)[0]).toContain('applied, but not as planned');
  expect(shop.notes(request)[0]).toContain(
    '- agent `builder` says something else than was planned',
  );
  expect(await shop.state(request)).toBe('differs');
});

test('two reconcilers and two orchestrators make one note', async ({ db }) => {
  await using shop = await configReview(db);
  await shop.reconcile();
  const request = await shop.propose({ [FILE]: SECOND });
  const { deps, effectDeps, signal } = shop;

  await scanMergeRequests(deps, signal);
  await Promise.all([planDue(deps, signal), planDue({ ...deps }, signal)]);
  // A second wish while the first is under way.
  await db.query(
    sql`
      insert into effect (repo_id, type, subject, payload, key)
      select repo_id, type, subject, jsonb_set(payload, '{body}', '"### newer"'), 'newer' from effect where type = 'note'
    `,
  );
  const round = async (): Promise<void> => {
    while ((await carryOutEffects(effectDeps, signal)) > 0) {
      // Until nothing is left.
    }
  };
  await Promise.all([round(), round(), round()]);
  await round();

  expect(shop.notes(request)).toEqual(['### newer']);
});

test('a marker that somebody planted is not taken for ours', async ({ db }) => {
  await using shop = await configReview(db);
  await shop.reconcile();
  const request = await shop.propose({ [FILE]: SECOND });
  await shop.tell(request);
  const copy =
    request.discussions.flatMap(({ notes }) => notes).find(({ author }) => author === shop.bot)
      ?.body ?? '';

  const planted = await shop.gitlab.as(shop.bob).comment(request, copy);
  await shop.gitlab.push(shop.project, {
    branch: 'change',
    by: shop.bob,
    files: { [FILE]: SECOND.replace('usd: 5', 'usd: 6') },
  });
  await shop.tell(request);

  expect(planted.body).toBe(copy);
  expect(shop.notes(request)).toEqual([expect.stringContaining('`6`')]);
});

test('one that is closed or leads elsewhere is left alone', async ({ db }) => {
  await using shop = await configReview(db);
  await shop.reconcile();
  const request = await shop.propose({ [FILE]: SECOND });
  await shop.gitlab.as(shop.bob).close(request);

  await shop.tell(request);

  expect([shop.notes(request), await shop.state(request)]).toEqual([[], 'closed']);
});
