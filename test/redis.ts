import { inject } from 'vitest';

import { test as withDatabase } from './database.ts';
import type { RedisServer } from './redis-server.ts';
import { startRedis } from './redis-server.ts';

/**
 * vitest's `test` with a database and a Redis server of the test's own; skipped where there is none, which
 * test/prerequisites.ts has said at the start of the run.
 */
export const test = withDatabase.extend<{ redis: RedisServer }>({
  redis: async ({ skip }, use) => {
    skip(!inject('available').redis, 'no redis-server');
    await using server = await startRedis();
    await use(server);
  },
});
