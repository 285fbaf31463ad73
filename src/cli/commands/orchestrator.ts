import { processCommand } from '../process-command.ts';

export const define = processCommand('orchestrator', 'the only holder of a write token');
