import type { ProcessOptions } from '../cli/processes.ts';
import { migrate } from '../db/migrate.ts';
import { openPlatform } from './platform.ts';

/** Brings the database's schema up to date; doing it twice changes nothing. */
export async function runMigrate(options: ProcessOptions): Promise<number> {
  await using platform = await openPlatform(options);
  // Opening has migrated already: this says where it stands, and fails where that is not the newest.
  const { to } = await migrate(platform.db);
  const text = options.json ? JSON.stringify({ schema: to }) : `The schema is at version ${to}.`;
  options.stdout.write(`${text}\n`);
  return 0;
}
