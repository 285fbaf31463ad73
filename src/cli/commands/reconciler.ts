import { processCommand } from '../process-command.ts';

export const define = processCommand('reconciler', 'one of any number, with DATABASE_URL');
