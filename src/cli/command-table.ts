import type { Define } from './context.ts';

export interface CommandEntry {
  name: string;
  summary: string;
  group: 'offline' | 'look' | 'act' | 'processes';
  /** Only the command that is called is loaded: a start costs what it uses. */
  load: () => Promise<{ define: Define }>;
}

export const GROUPS = {
  look: 'See what is going on',
  act: 'Decide and steer',
  offline: 'Without a running Auto-Dev',
  processes: 'Run it',
} as const satisfies Record<CommandEntry['group'], string>;

function entry(
  group: CommandEntry['group'],
  name: string,
  summary: string,
  load: CommandEntry['load'],
): CommandEntry {
  return { name, summary, group, load };
}

/** Every command, in the order in which the help lists them. */
export const COMMANDS: readonly CommandEntry[] = [
  entry(
    'look',
    'status',
    'What is in force, under way and waiting for you',
    () => import('./commands/status.ts'),
  ),
  entry(
    'look',
    'approvals',
    'Questions that wait for an answer',
    () => import('./commands/approvals.ts'),
  ),
  entry('look', 'jobs', 'Jobs, newest first', () => import('./commands/jobs.ts')),
  entry('look', 'job', 'One job: attempts, effects, gates', () => import('./commands/job.ts')),
  entry('look', 'logs', 'What a worker said', () => import('./commands/logs.ts')),
  entry('look', 'why', 'Why a repository or a job stands still', () => import('./commands/why.ts')),
  entry(
    'look',
    'trace',
    'From a job, commit or line to person, votes and cost',
    () => import('./commands/trace.ts'),
  ),
  entry('look', 'plan', 'What an autodev.yaml would change', () => import('./commands/plan.ts')),
  entry(
    'look',
    'repos',
    'Registered repositories: list, add, remove',
    () => import('./commands/repos.ts'),
  ),
  entry(
    'look',
    'runners',
    'Who works, and how well protected',
    () => import('./commands/runners.ts'),
  ),
  entry('look', 'budget', 'What was spent, and what is left', () => import('./commands/budget.ts')),
  entry(
    'look',
    'explain',
    'What the policy lets a repository ask for, and which rule says so',
    () => import('./commands/explain.ts'),
  ),
  entry('look', 'audit', 'Who did what', () => import('./commands/audit.ts')),

  entry(
    'act',
    'approve',
    'Say yes to a gate; a merge request is merged',
    () => import('./commands/approve.ts'),
  ),
  entry('act', 'reject', 'Say no to a gate', () => import('./commands/reject.ts')),
  entry('act', 'changes', 'Send work back with a note', () => import('./commands/changes.ts')),
  entry('act', 'answer', "Answer an agent's question", () => import('./commands/answer.ts')),
  entry('act', 'run', 'Start a job by hand', () => import('./commands/run.ts')),
  entry('act', 'retry', 'A new job with the same root', () => import('./commands/retry.ts')),
  entry('act', 'replay', 'Recorded inputs again, staged', () => import('./commands/replay.ts')),
  entry(
    'act',
    'release',
    'Carry out the effects of a staged job',
    () => import('./commands/release.ts'),
  ),
  entry('act', 'cancel', 'Stop a job', () => import('./commands/cancel.ts')),
  entry(
    'act',
    'pause',
    'Take no new work: fleet, repository or agent',
    () => import('./commands/pause.ts'),
  ),
  entry('act', 'resume', 'Take work again', () => import('./commands/resume.ts')),
  entry('act', 'drain', 'Let a runner finish and end', () => import('./commands/drain.ts')),
  entry('act', 'reset', "Close an agent's breaker", () => import('./commands/reset.ts')),
  entry(
    'act',
    'grant',
    'Raise a budget, of a job or until its window ends',
    () => import('./commands/grant.ts'),
  ),
  entry('act', 'sync', 'Read autodev.yaml now', () => import('./commands/sync.ts')),
  entry('act', 'login', 'A link that signs a browser in', () => import('./commands/login.ts')),

  entry('offline', 'init', 'Write a first autodev.yaml', () => import('./commands/init.ts')),
  entry('offline', 'validate', 'Check an autodev.yaml', () => import('./commands/validate.ts')),
  entry(
    'offline',
    'schema',
    'The JSON Schema of autodev.yaml',
    () => import('./commands/schema.ts'),
  ),
  entry(
    'offline',
    'rehearse',
    'What an agent would be given, without running it',
    () => import('./commands/rehearse.ts'),
  ),
  entry(
    'offline',
    'policy',
    'Check a policy file, and what it grants',
    () => import('./commands/policy.ts'),
  ),
  entry(
    'offline',
    'completion',
    'Completion for bash, zsh or fish',
    () => import('./commands/completion.ts'),
  ),

  entry('processes', 'up', 'Everything in one process', () => import('./commands/up.ts')),
  entry(
    'processes',
    'migrate',
    'Bring the database schema up to date',
    () => import('./commands/migrate.ts'),
  ),
  entry(
    'processes',
    'doctor',
    'Check what this machine offers',
    () => import('./commands/doctor.ts'),
  ),
  entry(
    'processes',
    'reconciler',
    'Makes rows of autodev.yaml',
    () => import('./commands/reconciler.ts'),
  ),
  entry(
    'processes',
    'scheduler',
    'Makes jobs of schedules',
    () => import('./commands/scheduler.ts'),
  ),
  entry(
    'processes',
    'orchestrator',
    'Events, gates and effects',
    () => import('./commands/orchestrator.ts'),
  ),
  entry(
    'processes',
    'runner',
    'Claims jobs and runs workers',
    () => import('./commands/runner.ts'),
  ),
  entry('processes', 'dashboard', 'The API', () => import('./commands/dashboard.ts')),
  entry('processes', 'webhook', "GitLab's events in", () => import('./commands/webhook.ts')),
];
