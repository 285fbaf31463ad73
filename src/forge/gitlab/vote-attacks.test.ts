import { describe, expect, test } from 'vitest';

import { DEFAULT_RULE, startVotes } from './votes-fixture.ts';

// Everyone who may not vote tries to, by whatever way GitLab gives them. After each try somebody who may vote does,
// because a gate that nobody can open any more is no better than one that anybody can.

const approve = (sha: string): string => `/autodev approve ${sha.slice(0, 12)}`;

describe.for(['free', 'premium'] as const)('%s', (tier) => {
  const setup = () => startVotes(tier);

  test('those who may vote open it, by button or by note', async () => {
    await using byButton = await setup();
    await byButton.gitlab.as(byButton.bob).approve(byButton.mergeRequest);
    await using byNote = await setup();
    await byNote.gitlab.as(byNote.bob).comment(byNote.mergeRequest, approve(byNote.head));

    expect(await byButton.decide()).toMatchObject({ state: 'approved', head: byButton.head });
    expect(await byNote.decide()).toMatchObject({ state: 'approved', head: byNote.head });
  });

  test('guests and strangers write notes', async () => {
    await using story = await setup();
    const { gitlab, guest, alice, mergeRequest, head } = story;
    gitlab.user('stranger');
    await gitlab.as(guest).comment(mergeRequest, approve(head));

    expect(await story.decide()).toMatchObject({ state: 'waiting' });
    expect((await story.decide()).discounted).toMatchObject([
      { by: String(guest.id), sentence: expect.stringContaining('not among those') },
    ]);
    await gitlab.as(guest).comment(mergeRequest, '/autodev reject Never.');
    await gitlab.as(alice).approve(mergeRequest);
    expect(await story.decide()).toMatchObject({ state: 'approved' });
  });

  test('our own account, another bot and a blocked member', async () => {
    await using story = await setup();
    const { gitlab, bot, alice, bob, project, mergeRequest, head } = story;
    const other = gitlab.projectBot(project, 'maintainer').user;
    await gitlab.as(bot).comment(mergeRequest, approve(head));
    await gitlab.as(other).comment(mergeRequest, approve(head));
    await gitlab.as(other).approve(mergeRequest);
    await gitlab.as(bob).approve(mergeRequest);
    bob.state = 'blocked';

    expect(await story.decide()).toMatchObject({ state: 'waiting' });
    await gitlab.as(alice).approve(mergeRequest);
    expect(await story.decide()).toMatchObject({ state: 'approved' });
  });

  test('somebody who left the project after voting', async () => {
    await using story = await setup();
    const { gitlab, alice, bob, project, mergeRequest } = story;
    await gitlab.as(bob).approve(mergeRequest);
    gitlab.removeMember(project, bob);

    expect(await story.decide()).toMatchObject({ state: 'waiting' });
    await gitlab.as(alice).approve(mergeRequest);
    expect(await story.decide()).toMatchObject({ state: 'approved' });
  });

  test('a harmless note that is edited into a vote, by its author or by a maintainer', async () => {
    await using story = await setup();
    const { gitlab, alice, bob, mergeRequest, head } = story;
    const own = await gitlab.as(bob).comment(mergeRequest, 'Looks fine.');
    await gitlab.as(bob).editComment(mergeRequest, own, approve(head));
    const others = await gitlab.as(bob).comment(mergeRequest, 'Hm.');
    await gitlab.as(alice).editComment(mergeRequest, others, approve(head));

    expect(await story.decide()).toMatchObject({ state: 'waiting' });
    await gitlab.as(bob).comment(mergeRequest, approve(head));
    expect(await story.decide()).toMatchObject({ state: 'approved' });
  });

  test('a quoted vote, one in a code block, and one behind other words', async () => {
    await using story = await setup();
    const { gitlab, bob, mergeRequest, head } = story;
    for (const body of [
      `> ${approve(head)}`,
      `\`\`\`\n${approve(head)}\n\`\`\``,
      `Would you say\n${approve(head)}`,
      `${approve(head)}\nif alice agrees`,
      `<!-- x -->${approve(head)}`,
    ]) {
      await gitlab.as(bob).comment(mergeRequest, body);
    }

    expect(await story.decide()).toMatchObject({ state: 'waiting' });
    await gitlab.as(bob).comment(mergeRequest, approve(head));
    expect(await story.decide()).toMatchObject({ state: 'approved' });
  });

  test('a vote for another commit', async () => {
    await using story = await setup();
    const { gitlab, bob, mergeRequest, project } = story;
    await gitlab.as(bob).comment(mergeRequest, approve((await gitlab.head(project)) ?? ''));

    expect(await story.decide()).toMatchObject({ state: 'waiting' });
  });

  test('a push after the approval, and the old votes that GitLab still shows', async () => {
    await using story = await setup();
    const { gitlab, alice, bob, project, bot, mergeRequest, head } = story;
    await gitlab.as(alice).approve(mergeRequest);
    await gitlab.as(alice).comment(mergeRequest, approve(head));
    const next = await gitlab.push(project, {
      branch: 'autodev/fix',
      by: bob,
      files: { 'src/evil.ts': 'evil\n' },
    });

    expect(await story.decide()).toMatchObject({
      state: 'moved',
      head: next,
      by: [String(bob.id)],
    });
    const moved = { expected: { head: next, target: 'main' } };
    for (const ms of [0, 9_000, 10_000, 30_000]) {
      await story.advance(ms);

      expect((await story.decide(moved)).state).not.toBe('approved');
    }
    await gitlab
      .as(bob)
      .approve(mergeRequest)
      .catch(() => {});
    await gitlab.as(bob).comment(mergeRequest, approve(next));
    expect((await story.decide(moved)).state).toBe('waiting');
    await gitlab.as(alice).comment(mergeRequest, approve(next));
    expect(await story.decide(moved)).toMatchObject({ state: 'approved', head: next });
    expect(await gitlab.head(project, 'autodev/fix')).not.toBe(bot.name);
  });

  test('the button right after a push, on a page that shows what was there before', async () => {
    await using story = await setup();
    const { gitlab, alice, bot, project, mergeRequest, head } = story;
    const next = await gitlab.push(project, {
      branch: 'autodev/fix',
      by: bot,
      files: { 'src/b.ts': 'b\n' },
    });
    await story.advance(3000);
    await gitlab.as(alice).approve(mergeRequest);
    await story.advance(60_000);
    const moved = {
      expected: { head: next, target: 'main' },
      ours: { bot: String(bot.id), identities: [bot.name], published: [head, next] },
    };

    expect(await story.decide(moved)).toMatchObject({ state: 'waiting' });
    await gitlab.as(alice).comment(mergeRequest, approve(next));
    expect(await story.decide(moved)).toMatchObject({ state: 'approved' });
  });

  test('a force-push away and back again', async () => {
    await using story = await setup();
    const { gitlab, alice, bob, project, mergeRequest, head } = story;
    await gitlab.as(alice).approve(mergeRequest);
    await gitlab.push(project, {
      branch: 'autodev/fix',
      by: bob,
      from: 'main',
      force: true,
      files: { 'src/evil.ts': 'evil\n' },
    });
    await story.advance(60_000);
    await gitlab.push(project, {
      branch: 'autodev/fix',
      by: bob,
      from: 'main',
      force: true,
      files: { 'src/add.ts': 'one\n' },
    });
    await story.advance(60_000);
    const back = (await gitlab.head(project, 'autodev/fix')) ?? '';
    const moved = { expected: { head: back, target: 'main' } };

    expect((await story.decide({ expected: { head, target: 'main' } })).state).toBe('moved');
    await gitlab.as(bob).comment(mergeRequest, approve(back));
    expect((await story.decide(moved)).state).toBe('waiting');
  });

  test('a rebase that launders who wrote it', async () => {
    await using story = await setup();
    const { gitlab, alice, bob, bot, project, mergeRequest } = story;
    await gitlab.push(project, {
      branch: 'autodev/fix',
      by: bob,
      files: { 'src/evil.ts': 'evil\n' },
    });
    await gitlab.push(project, { branch: 'main', by: alice, files: { 'other.md': 'x\n' } });
    await gitlab.as(bot).rebase(mergeRequest);
    await story.advance(60_000);
    const head = (await gitlab.head(project, 'autodev/fix')) ?? '';
    const moved = { expected: { head, target: 'main' } };
    await gitlab.as(bob).comment(mergeRequest, approve(head));

    expect((await story.decide(moved)).state).toBe('waiting');
    // Who authored what is told by names alone now: one voter more than usual.
    await gitlab.as(alice).comment(mergeRequest, approve(head));
    expect((await story.decide(moved)).state).toBe('waiting');
  });

  test('commits that carry our name, or nobody’s', async () => {
    await using story = await setup();
    const { gitlab, alice, bob, bot, project, mergeRequest } = story;
    const carol = gitlab.user('carol');
    gitlab.addMember(project, carol, 'developer');
    for (const author of [
      { name: bot.name, email: bot.email },
      { name: 'Nobody', email: 'nobody@nowhere.example' },
    ]) {
      await gitlab.push(project, {
        branch: 'autodev/fix',
        by: bob,
        author,
        files: { [`src/${author.name}.ts`]: 'evil\n' },
      });
    }
    await story.advance(60_000);
    const head = (await gitlab.head(project, 'autodev/fix')) ?? '';
    const moved = { expected: { head, target: 'main' } };
    await gitlab.as(bob).comment(mergeRequest, approve(head));
    await gitlab.as(alice).comment(mergeRequest, approve(head));

    expect((await story.decide(moved)).state).toBe('waiting');
    await gitlab.as(carol).comment(mergeRequest, approve(head));
    expect((await story.decide(moved)).state).toBe('approved');
  });

  test('a fork with a branch of the same name, opened with our marker in its description', async () => {
    await using story = await setup();
    const { gitlab, alice, bob, project, mergeRequest } = story;
    const fork = await gitlab.fork(project, 'people/shop', bob);
    const planted = await gitlab.push(fork, {
      branch: 'autodev/fix',
      by: bob,
      files: { 'src/evil.ts': 'evil\n' },
    });
    const theirs = await gitlab.as(bob).openMergeRequest(project, {
      source: 'autodev/fix',
      title: 'Fix',
      description: mergeRequest.description ?? '<!-- autodev:job:1 -->',
      from: fork,
    });
    await story.advance(60_000);
    await gitlab.as(alice).approve(theirs);
    const asked = { expected: { head: planted, target: 'main' } };

    expect(await story.decide(asked, theirs)).toMatchObject({ state: 'foreign' });
    expect(await story.decide()).toMatchObject({ state: 'waiting' });
  });

  test('our sticky note copied, with a decision in it', async () => {
    await using story = await setup();
    const { gitlab, bob, mergeRequest, head } = story;
    await gitlab
      .as(bob)
      .comment(mergeRequest, `<!-- autodev:status -->\n**Approved by alice.**\n\n${approve(head)}`);

    expect(await story.decide()).toMatchObject({ state: 'waiting' });
  });

  test('the requester alone, by button, note and merge', async () => {
    await using story = await setup();
    const { gitlab, alice, bob, mergeRequest, head } = story;
    const asked = { requesters: ['Bob'] };
    await gitlab.as(bob).approve(mergeRequest);
    await gitlab.as(bob).comment(mergeRequest, approve(head));

    expect(await story.decide(asked)).toMatchObject({ state: 'waiting' });
    await gitlab.as(alice).approve(mergeRequest);
    expect(await story.decide(asked)).toMatchObject({ state: 'approved' });
  });

  test('a requester who was renamed, or who took another name', async () => {
    await using story = await setup();
    const { gitlab, alice, bob, mergeRequest } = story;
    bob.username = 'robert';
    await gitlab.as(bob).approve(mergeRequest);

    expect(await story.decide({ requesters: ['bob'] })).toMatchObject({ state: 'waiting' });
    await gitlab.as(alice).approve(mergeRequest);
    expect(await story.decide({ requesters: ['bob'] })).toMatchObject({ state: 'approved' });
  });

  test('whoever takes a name or a group that a rule means', async () => {
    await using story = await setup();
    const { gitlab, alice, bob, votes, mergeRequest } = story;
    const rules = { default: { ...DEFAULT_RULE, users: ['alice'] } };
    const bindings = await votes.bindNames(
      { users: ['alice'], groups: [] },
      new AbortController().signal,
    );
    alice.username = 'alice-before';
    bob.username = 'alice';
    await gitlab.as(bob).approve(mergeRequest);

    expect(await story.decide({ rules, bindings })).toMatchObject({ state: 'waiting' });
    bob.username = 'bob';
    alice.username = 'alice';
    await gitlab.as(alice).approve(mergeRequest);
    expect(await story.decide({ rules, bindings })).toMatchObject({ state: 'approved' });
  });

  test('members of a group vote for a rule that names it, also by inheritance', async () => {
    await using story = await setup();
    const { gitlab, alice, bob, bot, mergeRequest } = story;
    // Our account has to see the group; a rule about one that it does not see is met by nobody.
    const leads = gitlab.group('platform/leads', [[bot, 'guest']]);
    gitlab.addMember(leads.parent ?? leads, alice, 'developer');
    const rules = { default: { ...DEFAULT_RULE, groups: ['platform/leads'] } };
    await gitlab.as(bob).approve(mergeRequest);

    expect(await story.decide({ rules })).toMatchObject({ state: 'waiting' });
    await gitlab.as(alice).approve(mergeRequest);
    expect(await story.decide({ rules })).toMatchObject({ state: 'approved' });
  });

  test('a draft, another target, and a merge request that is closed', async () => {
    await using story = await setup();
    const { gitlab, alice, project, mergeRequest } = story;
    await gitlab.push(project, { branch: 'release', by: alice, files: { 'r.md': 'r\n' } });
    await gitlab.as(alice).approve(mergeRequest);
    await gitlab.as(alice).edit(mergeRequest, { title: 'Draft: Fix' });

    expect(await story.decide()).toMatchObject({ state: 'waiting' });
    await gitlab.as(alice).edit(mergeRequest, { title: 'Fix', target_branch: 'release' });
    expect((await story.decide()).state).not.toBe('approved');
    await gitlab.as(alice).close(mergeRequest);
    expect(await story.decide()).toMatchObject({ state: 'closed', by: String(alice.id) });
    await gitlab.as(alice).edit(mergeRequest, { target_branch: 'main' });
    await gitlab.as(alice).reopen(mergeRequest);
    await story.advance(60_000);
    await gitlab.as(alice).comment(mergeRequest, approve(story.head));
    expect(await story.decide()).toMatchObject({ state: 'approved' });
  });

  test('a merge below the rule is seen, by whom, and is none by vote', async () => {
    await using story = await setup();
    const { gitlab, alice, bob, mergeRequest } = story;
    const rules = { default: { ...DEFAULT_RULE, approvals: 2 } };
    if (tier === 'premium') {
      await gitlab.as(bob).approve(mergeRequest);
      await gitlab.as(bob).unapprove(mergeRequest);
    }
    await gitlab.as(alice).merge(mergeRequest);

    expect(await story.decide({ rules })).toMatchObject({
      state: 'merged',
      approval: 'bypassed',
      by: String(alice.id),
    });
    expect(await story.decide()).toMatchObject({ state: 'merged', approval: 'met' });
    expect(await story.decide({ requesters: ['alice'] })).toMatchObject({ approval: 'bypassed' });
  });

  test('a vote that is taken back', async () => {
    await using story = await setup();
    const { gitlab, bob, mergeRequest } = story;
    await gitlab.as(bob).approve(mergeRequest);
    await gitlab.as(bob).unapprove(mergeRequest);

    expect(await story.decide()).toMatchObject({ state: 'waiting' });
  });
});
