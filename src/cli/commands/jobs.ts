import type { Job } from '../../db/views/job-list.ts';
import { JOB_STATES, isFinal, isJobState } from '../../domain/job-state.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Context, Define } from '../context.ts';
import { examples } from '../context.ts';
import { oneLine } from '../output.ts';
import { agentName, wholeNumber } from '../parse-arguments.ts';
import { pickNamedRepo } from '../pick-repo.ts';
import { textTable } from '../text-table.ts';
import { agoWord, stateWord, usdWord } from '../words.ts';

interface Options {
  agent?: string;
  state?: string[];
  active?: true;
  limit: number;
}

export const define: Define = (command, act) => {
  command
    .argument('[repo]', 'only this repository (id, path or folder)')
    .option('--agent <agent>', 'only this agent', agentName)
    .option('--state <state...>', `only these states: ${JOB_STATES.join(', ')}`)
    .option('--active', 'only those that are not over')
    .option('--limit <n>', 'how many', wholeNumber({ min: 1, max: 1000 }), 20)
    .addHelpText(
      'after',
      examples(
        ['the newest jobs of all repositories', 'autodev jobs'],
        ['what failed in one of them', 'autodev jobs group/app --state failed'],
        ['their ids, for a script', "autodev jobs --active -o json | jq -r '.jobs[].id'"],
      ),
    )
    .action(act(listJobs));
};

async function listJobs(
  { connect, output, clock, cwd }: Context,
  name: string | undefined,
  { agent, state = [], active, limit }: Options,
): Promise<void> {
  const unknown = state.find((one) => !isJobState(one));
  if (unknown !== undefined) {
    throw new AppError('USAGE', `${unknown} is no state`, {
      remedy: `use ${JOB_STATES.join(', ')}`,
    });
  }
  const states = active === true ? JOB_STATES.filter((one) => !isFinal(one)) : state;
  const api = await connect();
  const repo = await pickNamedRepo(api, { name, cwd });

  const jobs: Job[] = [];
  let next: string | null = null;
  do {
    const page: { jobs: Job[]; next: string | null } = await api.get('/jobs', {
      repo: repo?.id,
      agent,
      state: states,
      limit: Math.min(200, limit - jobs.length),
      cursor: next ?? undefined,
    });
    jobs.push(...page.jobs);
    next = page.next;
  } while (next !== null && jobs.length < limit);

  const now = clock.now();
  output.answer({ jobs, next }, () =>
    jobs.length === 0
      ? 'No jobs. `autodev run REPO AGENT TASK` starts one.'
      : textTable(
          ['JOB', 'REPOSITORY', 'AGENT', 'STATE', 'COST', 'AGE', 'TITLE'],
          jobs.map((job) => [
            job.id,
            oneLine(job.repo.path),
            job.agent,
            stateWord(output, job),
            usdWord(job.cost.usd),
            agoWord(job.created_at, now),
            oneLine(job.title),
          ]),
          { columns: output.columns },
        ),
  );
}
