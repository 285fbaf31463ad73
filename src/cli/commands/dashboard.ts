import { processCommand } from '../process-command.ts';

export const define = processCommand('dashboard', 'the API on AUTODEV_HOST and AUTODEV_PORT');
