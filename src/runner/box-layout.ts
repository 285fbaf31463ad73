/** Where an attempt's folders are in every box. */
export const INSIDE = {
  workspace: '/workspace',
  home: '/home/worker',
  task: '/task',
  outputs: '/outputs',
  mirror: '/mirror',
} as const;

/** The same with what a worker may do there; everything else in a box is a tool, read-only, or its own memory. */
export const BOX_FOLDERS = [
  { folder: 'workspace', at: INSIDE.workspace, writable: true },
  { folder: 'home', at: INSIDE.home, writable: true },
  { folder: 'task', at: INSIDE.task, writable: false },
  { folder: 'outputs', at: INSIDE.outputs, writable: true },
  { folder: 'mirror', at: INSIDE.mirror, writable: false },
] as const satisfies readonly { folder: keyof typeof INSIDE; at: string; writable: boolean }[];

/** Variables that say where the task is and where outputs go. */
export const WORKER_VARIABLES = {
  AUTODEV_TASK_FILE: `${INSIDE.task}/task.json`,
  AUTODEV_OUTPUTS: `${INSIDE.outputs}/outputs.jsonl`,
} as const;
