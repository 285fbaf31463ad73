import { test as base } from '../../../test/redis.ts';
import { busScenarios, type OpenBus } from '../bus-scenarios.ts';
import { openBus } from './bus-fixture.ts';

const test = base.extend<{ open: OpenBus }>({
  open: async ({ redis }, use) => use(() => openBus(redis.url)),
});

busScenarios(test);
