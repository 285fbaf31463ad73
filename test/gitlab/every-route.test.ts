import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { isObject } from './params.ts';
import { ROUTES } from './routes/all.ts';
import { hookReceiver, newest, shop } from './shop-fixture.ts';
import type { Tier } from './world.ts';

const CONTRACTS = process.env['AUTODEV_CONTRACTS'];

/** A project in which everything that can be read has happened. */
async function lively(tier: Tier) {
  const setup = await shop({ tier });
  const { gitlab, project, bot, alice, bob } = setup;
  const receiver = await hookReceiver();
  gitlab.group('platform', [[alice, 'owner']]);
  const maintainer = gitlab.token(alice).value;
  const asAlice = (path: string, method = 'GET', values?: unknown) =>
    setup.askAs(maintainer, path, {
      method,
      ...(values === undefined ? {} : { body: JSON.stringify(values) }),
    });
  const base = `/projects/${project.id}`;
  const flags = [
    'push',
    'tag_push',
    'merge_requests',
    'issues',
    'note',
    'pipeline',
    'job',
    'emoji',
  ];
  await asAlice(`${base}/hooks`, 'POST', {
    url: receiver.url,
    ...Object.fromEntries(flags.map((flag) => [`${flag}_events`, true])),
  });
  const mergeRequest = await setup.opened();
  const issue = await gitlab.as(bob).openIssue(project, {
    title: 'Broken',
    labels: ['bug'],
    assignees: [alice],
  });
  await gitlab.as(bob).comment(issue, 'Please');
  await gitlab.as(bob).label(issue, 'urgent');
  const note = await gitlab.as(alice).discuss(mergeRequest, 'Why?');
  await gitlab.as(alice).react(mergeRequest, 'eyes');
  await gitlab.as(alice).approve(mergeRequest);
  await gitlab.as(alice).label(mergeRequest, 'autodev');
  const sha = newest(mergeRequest.versions).head;
  const pipeline = gitlab.pipeline(project, {
    sha,
    ref: 'autodev/fix',
    by: bot,
    jobs: { test: {} },
  });
  gitlab.setJob(pipeline, { name: 'test', status: 'failed', trace: 'boom\n' });
  await asAlice(`${base}/statuses/${sha}`, 'POST', { state: 'success', name: 'autodev/config' });
  await gitlab.webhooks.settled();
  const places: Record<string, string | number> = {
    id: project.id,
    merge_request_iid: mergeRequest.iid,
    issue_iid: issue.iid,
    note_id: note.id,
    discussion_id: newest(mergeRequest.discussions.filter(({ individual }) => !individual)).id,
    version_id: newest(mergeRequest.versions).id,
    hook_id: newest(gitlab.webhooks.hooks).id,
    pipeline_id: pipeline.id,
    job_id: newest(pipeline.jobs.filter(({ kind }) => kind === 'build')).id,
    branch: 'autodev%2Ffix',
    name: 'main',
    sha,
    file_path: 'README.md',
    user_id: alice.id,
  };
  return {
    ...setup,
    receiver,
    asAlice,
    fill: (path: string) =>
      path
        .replace(/^\/groups\/\{id\}/, '/groups/platform')
        .replace(/^\/users\/\{id\}/, `/users/${alice.id}`)
        .replace('/labels/{name}', '/labels/bug')
        .replace('/issues/{issue_iid}/notes/{note_id}', `/issues/1/notes/${note.id}`)
        .replace(/\{([^}]+)\}/g, (_whole, name: string) => String(places[name])),
    async [Symbol.asyncDispose]() {
      await receiver[Symbol.asyncDispose]();
      await gitlab[Symbol.asyncDispose]();
    },
  };
}

/** Notes and threads are those of the merge request, the hook is the project's: elsewhere they are not there. */
const ELSEWHERE =
  /^\/(projects\/\{id\}\/issues\/\{issue_iid\}\/(discussions|notes)|groups\/\{id\}\/hooks)\//;

test.each(['free', 'premium'] as const)(
  'every route that reads answers, within the contract (%s)',
  async (tier) => {
    await using setup = await lively(tier);
    const { asAlice, fill } = setup;
    const reading = ROUTES.filter(
      ({ method, path, premium }) =>
        method === 'GET' && !ELSEWHERE.test(path) && !(premium && tier === 'free'),
    );

    const failed: string[] = [];
    for (const { path } of reading) {
      const query = path.endsWith('/compare') ? '?from=main&to=autodev%2Ffix' : '';
      const { status } = await asAlice(`${fill(path)}${query}`);
      if (status !== 200) {
        failed.push(`${status} ${path}`);
      }
    }

    expect(failed).toEqual([]);
  },
);

test.skipIf(CONTRACTS === undefined)(
  'what hooks are sent has the names and types of the documented examples',
  async () => {
    await using setup = await lively('premium');
    const { gitlab, project, alice, receiver } = setup;
    await gitlab.as(alice).merge(newest(gitlab.state.mergeRequests));
    const git = gitlab.webhooks;
    await git.settled();
    const folder = join(CONTRACTS ?? '', 'gitlab', 'webhooks');
    const documented = readdirSync(folder).map((file): [string, unknown] => [
      file,
      JSON.parse(readFileSync(join(folder, file), 'utf8')),
    ]);
    const KINDS = {
      push: 'push.json',
      merge_request: 'merge_request_merge.json',
      note: 'note_merge_request.json',
      issue: 'issue.json',
      pipeline: 'pipeline.json',
      build: 'job.json',
      emoji: 'emoji.json',
    } as const;

    const differences: string[] = [];
    for (const [kind, file] of Object.entries(KINDS)) {
      const example = documented.find(([name]) => name === file)?.[1];
      const sent = receiver.received.findLast(
        ({ payload }) =>
          payload['object_kind'] === kind && (kind !== 'note' || 'merge_request' in payload),
      );
      differences.push(...compare(kind, example, sent?.payload));
    }

    expect(project.id).toBe(1);
    expect(differences).toEqual([]);
  },
);

/** Left out on purpose: what belongs to features that the server does not have. */
const LEFT_OUT = new Set([
  // The example is of another act.
  'issue.changes.updated_by_id',
  'issue.object_attributes.escalation_status',
  'issue.object_attributes.escalation_policy',
  'note.object_attributes.position',
  'note.merge_request.position',
  'note.merge_request.assignee',
  'emoji.note',
  'emoji.issue',
  'pipeline.source_pipeline',
  'pipeline.builds',
  'build.source_pipeline',
  'build.commit',
]);

function compare(path: string, example: unknown, sent: unknown): string[] {
  if (LEFT_OUT.has(path) || example === null || sent === null) {
    return [];
  }
  if (isObject(example)) {
    return isObject(sent)
      ? Object.entries(example).flatMap(([name, value]) =>
          name in sent || LEFT_OUT.has(`${path}.${name}`)
            ? compare(`${path}.${name}`, value, sent[name])
            : [`${path}.${name} is missing`],
        )
      : [`${path} is no object`];
  }
  if (Array.isArray(example)) {
    return Array.isArray(sent) ? [] : [`${path} is no list`];
  }
  return typeof example === typeof sent ? [] : [`${path} is a ${typeof sent}`];
}
