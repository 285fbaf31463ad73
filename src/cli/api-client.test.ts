import { createServer } from 'node:http';

import { expect, onTestFinished, test } from 'vitest';

import type { ApiClient } from './api-client.ts';
import { createApiClient } from './api-client.ts';

/** A client of a server that answers everything with this. */
async function setup(status: number, body: string): Promise<ApiClient> {
  const server = createServer((_request, response) => response.writeHead(status).end(body));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const { signal } = new AbortController();
  return createApiClient({ url: `http://127.0.0.1:${port}`, token: undefined, signal });
}

test('a problem document is thrown with its own code, sentence and remedy', async () => {
  const problem = { code: 'CONFLICT', detail: 'it has ended', remedy: 'retry it' };
  const api = await setup(409, JSON.stringify(problem));

  const answer = api.get('/jobs');

  await expect(answer).rejects.toMatchObject({
    code: 'CONFLICT',
    message: 'it has ended',
    remedy: 'retry it',
  });
});

test('a bug of the server is INTERNAL, which trying again does not help', async () => {
  const api = await setup(500, JSON.stringify({ code: 'INTERNAL', detail: 'see the log' }));

  const answer = api.get('/jobs');

  await expect(answer).rejects.toMatchObject({
    code: 'INTERNAL',
    message: 'see the log',
    retryable: false,
    exitCode: 1,
  });
});

test.for([
  [404, 'NOT_FOUND'],
  [418, 'INVALID_REQUEST'],
  [500, 'INTERNAL'],
  [501, 'INTERNAL'],
  [502, 'UNAVAILABLE'],
  [503, 'UNAVAILABLE'],
  [504, 'UNAVAILABLE'],
] as const)('an answer %d without a code of ours is %s', async ([status, code]) => {
  const api = await setup(status, '<html>nginx</html>');

  const answer = api.get('/jobs');

  await expect(answer).rejects.toMatchObject({
    code,
    message: `the server answered ${status}`,
  });
});
