// A program of the tests: a runner of its own process on a fixture's folder, to be killed.
// usage: node runner-scenarios.ts FOLDER [MODELS], with the database in DATABASE_URL; MODELS is the URL of a stand-in
import { openDb } from '../db/pool.ts';
import { silentLog } from '../kernel/log.ts';
import { modelsAt } from './model-fixture.ts';
import { runnerDeps } from './runner-fixture.ts';
import { createRunner } from './runner.ts';

const [folder = '', models] = process.argv.slice(2);
const { DATABASE_URL: connection = '', PATH = '' } = process.env;
const db = await openDb({ connection, log: silentLog });
const deps = await runnerDeps(db, { folder, PATH });
const baseUrls = { codex: `${models}/v1`, claude: `${models}` };
const opened = models === undefined ? undefined : await modelsAt(deps, { folder, baseUrls });
await createRunner({ ...deps, ...opened?.deps })(new AbortController().signal);
