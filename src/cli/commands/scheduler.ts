import { processCommand } from '../process-command.ts';

export const define = processCommand('scheduler', 'one of any number, with DATABASE_URL');
