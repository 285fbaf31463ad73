import { processCommand } from '../process-command.ts';

export const define = processCommand('migrate', 'before the processes of a newer build start');
