import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';

import { AppError } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';
import { requestProblem } from './request-problem.ts';

/** RFC 9457, with the code that the whole product names this failure by, and what to do about it. */
export const Problem = Type.Object({
  type: Type.String({ description: 'A name for this kind of failure' }),
  title: Type.String(),
  status: Type.Integer(),
  code: Type.String(),
  detail: Type.String(),
  remedy: Type.Optional(Type.String()),
});

interface ProblemDocument {
  type: string;
  title: string;
  status: number;
  code: string;
  detail: string;
  remedy?: string;
}

/** Turns whatever a handler threw into a problem document; a bug is logged and answered without its text. */
export function problemHandler({ log }: { log: Log }) {
  return (
    error: FastifyError | AppError,
    request: FastifyRequest,
    reply: FastifyReply,
  ): FastifyReply => {
    const document = problemOf(error);
    if (document.status >= 500) {
      log.error({ err: error, method: request.method, path: request.url }, 'request failed');
    }
    return sendProblem(reply, document);
  };
}

export function notFoundHandler(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return sendProblem(
    reply,
    problem('NOT_FOUND', 404, `there is no ${request.method} ${pathOf(request)}`, {
      remedy: 'GET /api/docs lists what there is',
    }),
  );
}

function sendProblem(reply: FastifyReply, document: ProblemDocument): FastifyReply {
  return reply
    .code(document.status)
    .header('content-type', 'application/problem+json; charset=utf-8')
    .serializer(JSON.stringify)
    .send(document);
}

function problemOf(error: FastifyError | AppError): ProblemDocument {
  if (error instanceof AppError) {
    return problem(error.code, error.httpStatus, error.message, { remedy: error.remedy });
  }
  if (error.validation) {
    const { detail, remedy } = requestProblem(error);
    return problem('INVALID_REQUEST', 400, detail, { remedy });
  }
  const status = error.statusCode ?? 500;
  if (status === 413) {
    return problem('TOO_LARGE', 413, 'the request is larger than 1 MiB');
  }
  // What Fastify itself refuses: a body that is no JSON, a media type that nobody reads.
  return status < 500
    ? problem('INVALID_REQUEST', status, error.message)
    : problem(
        'INTERNAL',
        500,
        'something went wrong that should not have; the log has the details',
      );
}

function problem(
  code: string,
  status: number,
  detail: string,
  { remedy }: { remedy?: string | undefined } = {},
): ProblemDocument {
  const words = code.toLowerCase().replaceAll('_', ' ');
  return {
    type: `urn:autodev:problem:${code.toLowerCase().replaceAll('_', '-')}`,
    title: words.charAt(0).toUpperCase() + words.slice(1),
    status,
    code,
    detail,
    ...(remedy === undefined ? {} : { remedy }),
  };
}

function pathOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0] ?? request.url;
}
