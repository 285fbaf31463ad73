import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';

import { CONFIG_FILE } from '../../../config/config-file.ts';
import { RefTrace, traceRef } from '../../../db/views/trace-ref.ts';
import { TRACE_REF_FORMS, parseTraceRef } from '../../../domain/trace-ref.ts';
import { AppError } from '../../../kernel/errors.ts';
import type { ApiDeps } from '../deps.ts';
import { optionalRepoId } from '../ids.ts';

/** Where anything comes from. */
export const traceRoutes: FastifyPluginAsyncTypebox<Pick<ApiDeps, 'db'>> = async (app, { db }) => {
  app.get(
    '/trace',
    {
      schema: {
        tags: ['record'],
        summary: 'From a job, gate, merge request, commit or line to person, votes and cost',
        querystring: Type.Object({
          ref: Type.String({ minLength: 1, maxLength: 400, description: TRACE_REF_FORMS }),
          repo: Type.Optional(
            Type.String({ description: 'Where several repositories have such a one' }),
          ),
        }),
        response: { 200: RefTrace },
      },
    },
    async ({ query: { ref: text, repo } }) => {
      const ref = parseTraceRef(text);
      if (ref === undefined) {
        throw new AppError('INVALID_REQUEST', `${text} cannot be traced`, {
          remedy: `name ${TRACE_REF_FORMS}`,
        });
      }
      if (ref.kind === 'line' && ref.file.split('/').at(-1) !== CONFIG_FILE) {
        throw new AppError('INVALID_REQUEST', `only lines of ${CONFIG_FILE} can be traced`);
      }
      return traceRef(db, ref, { repoId: await optionalRepoId(db, repo) });
    },
  );
};
