import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { readDocuments } from './documents.ts';
import { shop } from './shop-fixture.ts';

/** Documents of our own: one route, one entity, one curated schema. */
async function documents(change: { noteBody?: string; projectNames?: string[] } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'autodev-contract-'));
  await mkdir(join(folder, 'gitlab'));
  const named = (names: readonly string[]) =>
    Object.fromEntries(names.map((name) => [name, { type: 'string' }]));
  await writeFile(
    join(folder, 'gitlab', 'openapi-needed.json'),
    JSON.stringify({
      paths: {
        '/api/v4/projects/{id}/statuses/{sha}': {
          post: {
            parameters: [
              { in: 'path', name: 'id', type: 'string' },
              { in: 'body', name: 'x', schema: { $ref: '#/definitions/postStatus' } },
            ],
            responses: {},
          },
        },
        '/api/v4/projects/{id}/hooks': {
          get: {
            parameters: [{ in: 'query', name: 'page', type: 'integer' }],
            responses: { 200: { schema: { $ref: '#/definitions/Hook' } } },
          },
          post: { parameters: [], responses: { 201: { schema: { $ref: '#/definitions/Hook' } } } },
        },
      },
      definitions: {
        postStatus: {
          type: 'object',
          properties: {
            state: { type: 'string', enum: ['success'] },
            pipeline_id: { type: 'integer' },
          },
        },
        Hook: { type: 'object', properties: named(change.projectNames ?? ['id', 'url']) },
      },
    }),
  );
  await writeFile(
    join(folder, 'gitlab', 'overlay.responses.json'),
    JSON.stringify({
      Note: { type: 'object', properties: { body: { type: change.noteBody ?? 'string' } } },
      Error: { anyOf: [{ required: ['message'] }, { required: ['error'] }] },
    }),
  );
  return {
    documents: readDocuments(folder),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

const post = (values: unknown) => ({ method: 'POST', body: JSON.stringify(values) });

test('a request with an unknown name or a wrong type breaks the contract and the test that made it', async () => {
  await using own = await documents();
  const setup = await shop({ documents: own.documents });
  const { gitlab, ask, project } = setup;
  const path = `/projects/${project.id}/statuses/${await gitlab.head(project)}`;

  await ask(path, post({ state: 'success', pipeline_id: 'seven', colour: 'red' }));
  await ask(`${path}?late=1`, post({ state: 'done' }));

  const problems = gitlab.contract.violations.map(({ problem }) => problem);
  expect(problems).toEqual([
    'unknown body parameter colour',
    '/pipeline_id must be integer',
    'unknown query parameter late',
    '/state must be equal to one of the allowed values',
  ]);
  await expect(gitlab[Symbol.asyncDispose]()).rejects.toThrow(
    /4 exchanges broke GitLab's contract[^]*unknown body parameter colour/,
  );
});

test('an answer with a name that nobody describes, or of a wrong type, breaks it too', async () => {
  await using own = await documents({ noteBody: 'integer' });
  await using setup = await shop({ documents: own.documents });
  const { gitlab, alice, askAs, project, ask } = setup;
  const mergeRequest = await setup.opened();
  gitlab.contract.take();

  await ask(
    `/projects/${project.id}/merge_requests/${mergeRequest.iid}/notes`,
    post({ body: 'x' }),
  );
  const notes = gitlab.contract.take();
  await askAs(
    gitlab.token(alice).value,
    `/projects/${project.id}/hooks`,
    post({ url: 'http://127.0.0.1:9/' }),
  );
  const hooks = gitlab.contract.take();

  expect(notes.map(({ side, problem }) => [side, problem])).toEqual([
    ['response', '/body must be integer'],
  ]);
  expect(hooks).toContainEqual({
    route: 'POST /projects/{id}/hooks',
    side: 'response',
    problem: 'alert_status is in no description of Hook',
  });
});

test('without any document a route that GitLab lacks, or a parameter of an undocumented one, is found', async () => {
  await using setup = await shop({ documents: undefined });
  const { gitlab, ask } = setup;

  const missing = await ask('/projects/1/wishes');
  await ask('/user?verbose=true');

  expect(missing).toMatchObject({ status: 404, body: { error: '404 Not Found' } });
  expect(gitlab.contract.take()).toMatchObject([
    { route: 'GET /api/v4/projects/1/wishes' },
    { route: 'GET /user', problem: 'unknown query parameter verbose' },
  ]);
});

test('documents that are asked for and cannot be read stop the start', () => {
  expect(() => readDocuments('/nowhere')).toThrow(/ENOENT/);
});
