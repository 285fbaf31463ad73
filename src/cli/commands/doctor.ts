import { processCommand } from '../process-command.ts';

export const define = processCommand(
  'doctor',
  'what works here, what does not, and what to install',
);
