import { expect, test } from 'vitest';

import { shop } from './shop-fixture.ts';

const HEADS = `
  query heads($ids: [ID!]) {
    projects(ids: $ids, first: 100) {
      nodes { ...head archived }
      pageInfo { hasNextPage endCursor }
    }
  }
  fragment head on Project { id fullPath repository { rootRef tree { lastCommit { sha } } } }
`;

async function asked(options: Parameters<typeof shop>[0] = {}) {
  const setup = await shop(options);
  return {
    ...setup,
    query: (query: string, variables: Record<string, unknown> = {}) =>
      setup.ask(`${setup.gitlab.url}/api/graphql`, {
        method: 'POST',
        body: JSON.stringify({ query, variables }),
      }),
    [Symbol.asyncDispose]: () => setup.gitlab[Symbol.asyncDispose](),
  };
}

test('the heads of many projects come in one query; what one may not see is left out', async () => {
  await using setup = await asked();
  const { gitlab, bot, project, query } = setup;
  const empty = await gitlab.project('platform/empty', { members: [[bot, 'developer']] });
  const secret = await gitlab.project('other/secret');
  const ids = [project, empty, secret].map(({ id }) => `gid://gitlab/Project/${id}`);

  const { body } = await query(HEADS, { ids });

  expect(body).toEqual({
    data: {
      projects: {
        nodes: [
          {
            id: ids[0],
            fullPath: 'platform/shop',
            archived: false,
            repository: {
              rootRef: 'main',
              tree: { lastCommit: { sha: await gitlab.head(project) } },
            },
          },
          {
            id: ids[1],
            fullPath: 'platform/empty',
            archived: false,
            repository: { rootRef: null, tree: { lastCommit: null } },
          },
        ],
        pageInfo: { hasNextPage: false, endCursor: String(empty.id) },
      },
    },
  });
});

test('a batch that is too large is refused by its complexity, half of it is not', async () => {
  await using setup = await asked();
  const ids = (count: number) =>
    Array.from({ length: count }, (_one, index) => `gid://gitlab/Project/${index + 1}`);

  const [large, small] = [
    await setup.query(HEADS, { ids: ids(60) }),
    await setup.query(HEADS, { ids: ids(30) }),
  ];

  expect(large).toMatchObject({ status: 200 });
  expect(JSON.stringify(large.body)).toMatch(
    /Query has complexity of \d+, which exceeds max complexity of 250/,
  );
  expect(small.body).toMatchObject({ data: { projects: { nodes: [{}] } } });
});

test('aliases ask for projects by path; a field that is not there is an error of the query', async () => {
  await using setup = await asked();
  const { query } = setup;

  const found = await query(
    '{ a: project(fullPath: "platform/shop") { name } b: project(fullPath: "no/where") { name } }',
  );
  const unknown = await query('{ currentUser { shoeSize } }');
  const broken = await query('{ currentUser { ');

  expect(found.body).toEqual({ data: { a: { name: 'Shop' }, b: null } });
  expect(JSON.stringify(unknown.body)).toContain("Field 'shoeSize' doesn't exist");
  expect(JSON.stringify(broken.body)).toContain('Parse error');
});

test('an older GitLab does not know a field, and says so', async () => {
  await using setup = await asked({ graphqlLacks: ['Repository.commit'] });
  const { query } = setup;
  const head = (field: string) =>
    query(`{ project(fullPath: "platform/shop") { repository { ${field} } } }`);

  const newer = await head('commit(ref: "main") { sha }');
  const older = await head('rootRef');

  expect(JSON.stringify(newer.body)).toContain("Field 'commit' doesn't exist on type 'Repository'");
  expect(older.body).toEqual({ data: { project: { repository: { rootRef: 'main' } } } });
});
