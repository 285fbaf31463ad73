// A program of the tests: a runner of its own process on a fixture's folder, to be killed.
// usage: node runner-scenarios.ts FOLDER, with the database in DATABASE_URL
import { openDb } from '../db/pool.ts';
import { silentLog } from '../kernel/log.ts';
import { runnerDeps } from './runner-fixture.ts';
import { createRunner } from './runner.ts';

const [folder = ''] = process.argv.slice(2);
const { DATABASE_URL: connection = '', PATH = '' } = process.env;
const db = await openDb({ connection, log: silentLog });
const deps = await runnerDeps(db, { folder, PATH });
await createRunner(deps)(new AbortController().signal);
