import { readFile } from 'node:fs/promises';
import path from 'node:path';

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';

import { sql } from '../../../db/sql.ts';
import { AppError } from '../../../kernel/errors.ts';
import type { ApiDeps, ReadyCheck } from '../deps.ts';

const SCHEMA_FILE = path.join(import.meta.dirname, '../../../../config-schema/autodev.schema.json');

const Checks = Type.Object({
  ready: Type.Boolean(),
  checks: Type.Array(
    Type.Object({ name: Type.String(), ok: Type.Boolean(), detail: Type.Optional(Type.String()) }),
  ),
});

/** What probes, scrapers and editors ask for: none of it needs credentials. */
export const healthRoutes: FastifyPluginAsyncTypebox<
  Pick<ApiDeps, 'db' | 'ready' | 'registry'>
> = async (app, { db, ready, registry }) => {
  app.get('/healthz', async (_request, reply) => reply.type('text/plain').send('ok\n'));

  app.get(
    '/readyz',
    { schema: { response: { 200: Checks, 503: Checks } } },
    async (_request, reply) => {
      const checks = [await checkDatabase(db), ...((await ready?.()) ?? [])];
      const isReady = checks.every(({ ok }) => ok);
      return reply.code(isReady ? 200 : 503).send({ ready: isReady, checks });
    },
  );

  app.get('/metrics', async (_request, reply) =>
    reply.type(registry.contentType).send(await registry.metrics()),
  );

  const schema = await readFile(SCHEMA_FILE);
  app.get('/schema/autodev.v1.json', async (_request, reply) =>
    reply
      .type('application/schema+json; charset=utf-8')
      // Editors fetch it from pages of other origins; there is nothing secret in it.
      .header('access-control-allow-origin', '*')
      .send(schema),
  );
};

async function checkDatabase(db: ApiDeps['db']): Promise<ReadyCheck> {
  try {
    await db.query(sql`select 1`);
    return { name: 'database', ok: true };
  } catch (error) {
    if (error instanceof AppError) {
      return { name: 'database', ok: false, detail: error.message };
    }
    throw error;
  }
}
