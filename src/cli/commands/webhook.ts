import { processCommand } from '../process-command.ts';

export const define = processCommand(
  'webhook',
  "GitLab's events in, at /webhook of AUTODEV_HOST and AUTODEV_PORT",
);
