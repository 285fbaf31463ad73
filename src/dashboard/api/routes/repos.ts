import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';

import { AnnotatedFile, readAnnotatedFile } from '../../../db/views/annotated-file.ts';
import { Repo, findRepo, listRepos } from '../../../db/views/repo-list.ts';
import { Json, RepoRef, orNull } from '../../../db/views/wire.ts';
import { AppError } from '../../../kernel/errors.ts';
import type { ApiDeps } from '../deps.ts';
import { found, repoIdOf } from '../ids.ts';
import { pageNext, pageQuery } from '../paging.ts';

export const RepoParams = Type.Object({
  id: Type.String({ minLength: 1, maxLength: 400, description: 'An id, or a path (URL-encoded)' }),
});

const Glob = Type.String({ minLength: 1, maxLength: 400, description: 'Of paths below the group' });

const Plan = Type.Object({
  empty: Type.Boolean({ description: 'Nothing would change' }),
  plan: Json,
  text: Type.String({ description: 'The same for people' }),
  diagnostics: Type.Array(Json),
});

const PolicyAnswer = Type.Object({
  repo: RepoRef,
  policy: Type.Array(
    Type.Object({
      key: Type.String(),
      value: Json,
      origin: orNull(
        Type.Object({ file: Type.String(), rule: Type.Integer(), line: Type.Integer() }),
      ),
    }),
    { description: 'Without an origin: the built-in default' },
  ),
});

/** Registered repositories: which, what is in force, what would change. */
export const repoRoutes: FastifyPluginAsyncTypebox<
  Pick<ApiDeps, 'db' | 'acts' | 'operator' | 'clock'>
> = async (app, { db, acts, operator: actor, clock }) => {
  app.get(
    '/repos',
    {
      schema: {
        tags: ['repos'],
        summary: 'Repositories, in the order of their registration',
        querystring: Type.Object(pageQuery),
        response: { 200: Type.Object({ repos: Type.Array(Repo), ...pageNext }) },
      },
    },
    async ({ query: { limit, cursor } }) => {
      const { items, next } = await listRepos(db, { limit, after: cursor });
      return { repos: items, next };
    },
  );

  app.post(
    '/repos',
    {
      schema: {
        tags: ['repos'],
        summary: 'Register a git repository of this machine, or a project of GitLab',
        body: Type.Object(
          {
            location: Type.String({
              minLength: 1,
              description: 'Absolute path of the repository; path or id of the project',
            }),
            forge: Type.Optional(Type.Enum(['local', 'gitlab'])),
            path: Type.Optional(
              Type.String({
                minLength: 1,
                description: 'What it is called; GitLab says it itself',
              }),
            ),
            branch: Type.Optional(Type.String({ minLength: 1, description: 'Its default branch' })),
          },
          { additionalProperties: false },
        ),
        response: { 201: Repo },
      },
    },
    async ({ body }, reply) => {
      const { repoId } = await acts.addRepo({ ...body, actor });
      return reply.code(201).send(found(await findRepo(db, repoId), 'such repository'));
    },
  );

  app.post(
    '/repos/groups',
    {
      schema: {
        tags: ['repos'],
        summary: "Register a GitLab group's projects, and those that it gets later",
        body: Type.Object(
          {
            group: Type.String({ minLength: 1, description: 'Its path' }),
            include: Type.Optional(Type.Array(Glob, { maxItems: 100 })),
            exclude: Type.Optional(Type.Array(Glob, { maxItems: 100 })),
          },
          { additionalProperties: false },
        ),
        response: { 201: Type.Object({ repos: Type.Array(RepoRef) }) },
      },
    },
    async ({ body: { group, include = [], exclude = [] } }, reply) => {
      const added = await acts.addGroup({ group, include, exclude, actor });
      return reply
        .code(201)
        .send({ repos: added.map(({ repoId, path }) => ({ id: String(repoId), path })) });
    },
  );

  app.post(
    '/repos/:id/onboarding',
    {
      schema: {
        tags: ['repos'],
        summary: 'Offer a first autodev.yaml to a project of GitLab, as a merge request',
        params: RepoParams,
        body: Type.Object(
          {
            again: Type.Optional(
              Type.Boolean({ description: 'Also where its people declined before' }),
            ),
          },
          { additionalProperties: false },
        ),
        response: { 202: Repo },
      },
    },
    async ({ params: { id }, body: { again = false } }, reply) => {
      const repoId = await repoIdOf(db, id);
      await acts.onboardRepo(repoId, { actor, again });
      return reply.code(202).send(found(await findRepo(db, repoId), `repository ${id}`));
    },
  );

  app.get(
    '/repos/:id',
    {
      schema: {
        tags: ['repos'],
        summary: 'One repository',
        params: RepoParams,
        response: { 200: Repo },
      },
    },
    async ({ params }) =>
      found(await findRepo(db, await repoIdOf(db, params.id)), `repository ${params.id}`),
  );

  app.delete(
    '/repos/:id',
    {
      schema: {
        tags: ['repos'],
        summary: 'Forget a repository; its files stay as they are',
        params: RepoParams,
        response: { 204: Type.Null() },
      },
    },
    async ({ params }, reply) => {
      await acts.removeRepo(await repoIdOf(db, params.id), { actor });
      return reply.code(204).send(null);
    },
  );

  app.post(
    '/repos/:id/sync',
    {
      schema: {
        tags: ['repos'],
        summary: 'Read autodev.yaml now',
        params: RepoParams,
        body: Type.Object(
          {
            confirm_prune: Type.Optional(
              Type.String({ description: 'Digest of a held plan that may go on' }),
            ),
          },
          { additionalProperties: false },
        ),
        response: { 202: Repo },
      },
    },
    async ({ params, body }, reply) => {
      const repoId = await repoIdOf(db, params.id);
      await acts.syncRepo(repoId, { actor, confirmPrune: body.confirm_prune });
      return reply.code(202).send(found(await findRepo(db, repoId), `repository ${params.id}`));
    },
  );

  app.get(
    '/repos/:id/file',
    {
      schema: {
        tags: ['repos'],
        summary: 'The autodev.yaml in force, with what is true now at its lines',
        params: RepoParams,
        response: { 200: AnnotatedFile },
      },
    },
    async ({ params: { id } }) =>
      found(
        await readAnnotatedFile(db, await repoIdOf(db, id), clock.now()),
        `autodev.yaml in force in ${id}`,
      ),
  );

  app.get(
    '/repos/:id/policy',
    {
      schema: {
        tags: ['repos'],
        summary: 'What the policy says of it, key by key, and which rule says so',
        params: RepoParams,
        querystring: Type.Object({
          key: Type.Optional(Type.String({ description: 'Only this key, or what is under it' })),
        }),
        response: { 200: PolicyAnswer },
      },
    },
    async ({ params: { id }, query: { key } }) => {
      const repo = found(await findRepo(db, await repoIdOf(db, id)), `repository ${id}`);
      const said = acts.explainPolicy(repo.path, key);
      if (said.length === 0) {
        throw new AppError('NOT_FOUND', `the policy says nothing of ${key ?? repo.path}`, {
          remedy: `\`autodev explain policy ${repo.path}\` shows all that it says`,
        });
      }
      return { repo: { id: repo.id, path: repo.path }, policy: [...said] };
    },
  );

  app.get(
    '/repos/:id/plan',
    {
      schema: {
        tags: ['repos'],
        summary: 'What the newest autodev.yaml on the default branch would change',
        params: RepoParams,
        response: { 200: Plan },
      },
    },
    async ({ params }) => {
      const { diagnostics, ...plan } = await acts.planRepo(await repoIdOf(db, params.id), {});
      return { ...plan, diagnostics: [...diagnostics] };
    },
  );

  app.post(
    '/repos/:id/plan',
    {
      schema: {
        tags: ['repos'],
        summary: 'What this text as autodev.yaml would change; nothing is kept',
        params: RepoParams,
        body: Type.Object({ text: Type.String() }, { additionalProperties: false }),
        response: { 200: Plan },
      },
    },
    async ({ params, body: { text } }) => {
      if (Buffer.byteLength(text) > 256 * 1024) {
        throw new AppError('TOO_LARGE', 'an autodev.yaml has at most 256 KiB');
      }
      const { diagnostics, ...plan } = await acts.planRepo(await repoIdOf(db, params.id), { text });
      return { ...plan, diagnostics: [...diagnostics] };
    },
  );
};
