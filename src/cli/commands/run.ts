import type { Job } from '../../db/views/job-list.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Context, Define } from '../context.ts';
import { examples } from '../context.ts';
import { oneLine } from '../output.ts';
import { agentName, durationMs } from '../parse-arguments.ts';
import { pickRepo } from '../pick-repo.ts';
import { waitForJob } from '../wait-for-job.ts';
import { stateWord } from '../words.ts';

interface Options {
  wait?: true;
  timeout: number;
}

export const define: Define = (command, act) => {
  command
    .argument('<repo>', 'the repository (id, path or folder)')
    .argument('<agent>', 'which agent', agentName)
    .argument('<task...>', 'what it should do')
    .option('--wait', 'until it is over or waits for people; 1 if it failed')
    .option('--timeout <time>', 'how long --wait waits (ends with 5)', durationMs, 3_600_000)
    .addHelpText(
      'after',
      examples(
        ['one task for the builder', 'autodev run demo builder "Make rounding exact"'],
        [
          'and wait for what comes of it',
          'autodev run demo tester "Cover tax.js" --wait --timeout 10m',
        ],
      ),
    )
    .action(act(runJob));
};

async function runJob(
  { connect, output, clock, signal, cwd }: Context,
  name: string,
  agent: string,
  task: string[],
  { wait, timeout }: Options,
): Promise<number> {
  const text = task.join(' ').trim();
  if (text === '') {
    throw new AppError('USAGE', `the task is empty: say what ${agent} should do`, {
      remedy: `autodev run ${name} ${agent} "Make rounding exact"`,
    });
  }
  const api = await connect();
  const repo = await pickRepo(api, { name, cwd });
  const started = await api.post<Job>('/jobs', { repo: repo.id, agent, task: text });
  if (wait !== true) {
    output.answer(started, () => `${started.id} ${stateWord(output, started)}`);
    return 0;
  }
  output.say(`${started.id} ${stateWord(output, started)}`);
  const job = await waitForJob(api, started.id, { clock, signal, timeoutMs: timeout });
  output.answer(job, () =>
    `${job.id} ${stateWord(output, job)} ${job.detail === null ? '' : oneLine(job.detail)}`.trimEnd(),
  );
  return ['failed', 'cancelled', 'rejected'].includes(job.state) ? 1 : 0;
}
