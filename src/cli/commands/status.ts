import type { AgentLane } from '../../db/views/agent-list.ts';
import type { AnnotatedFile } from '../../db/views/annotated-file.ts';
import type { Gate } from '../../db/views/gate-list.ts';
import type { Repo } from '../../db/views/repo-list.ts';
import type { Schedule } from '../../db/views/schedule-list.ts';
import type { Stats } from '../../db/views/stats.ts';
import { annotatedFile } from '../annotated-file.ts';
import type { Context, Define } from '../context.ts';
import { examples } from '../context.ts';
import { failedLines, listFailedJobs } from '../failed-jobs.ts';
import type { Output } from '../output.ts';
import { oneLine } from '../output.ts';
import { pickRepo, repoPath } from '../pick-repo.ts';
import { repoTable } from '../repo-table.ts';
import { statusPage } from '../status-page.ts';
import { agoWord } from '../words.ts';

export const define: Define = (command, act) => {
  command
    .argument('[repo]', 'one repository in detail (id, path or folder)')
    .option('--annotate', 'the file in force, with what is true now at the end of its lines')
    .addHelpText(
      'after',
      examples(
        ['everything at a glance', 'autodev status'],
        ['one repository: file, agents, schedules, gates', 'autodev status demo'],
        ['its file with next runs, queues and budgets', 'autodev status demo --annotate'],
      ),
    )
    .action(act(showStatus));
};

async function showStatus(
  context: Context,
  name: string | undefined,
  { annotate }: { annotate?: true } = {},
): Promise<void> {
  const { connect, output, clock, cwd } = context;
  const api = await connect();
  if (annotate === true) {
    const repo = await pickRepo(api, { name, cwd });
    const file = await api.get<AnnotatedFile>(`${repoPath(repo)}/file`);
    output.answer(file, () => annotatedFile(output, file));
    return;
  }
  if (name === undefined) {
    const [{ repos }, { gates }, stats, failed] = await Promise.all([
      api.get<{ repos: Repo[] }>('/repos', { limit: 200 }),
      api.get<{ gates: Gate[] }>('/gates', { state: 'open', limit: 200 }),
      api.get<Stats>('/stats'),
      listFailedJobs(api, { now: clock.now() }),
    ]);
    const [only, ...others] = repos;
    if (only === undefined || others.length > 0) {
      output.answer({ sandbox: stats.sandbox, repos, open_gates: gates.length }, () =>
        [
          ...sandboxWarning(output, stats),
          ...setAsideWarning(output, stats),
          ...refusedWarning(output, stats, clock.now()),
          repoTable(output, repos),
          ...failedLines(output, failed),
          gates.length === 0 ? '' : `\n${gates.length} waiting for you: autodev approvals`,
        ].join('\n'),
      );
      return;
    }
    return showStatus(context, only.id);
  }
  const repo = await pickRepo(api, { name, cwd });
  const about = { repo: repo.id, limit: 200 };
  const [{ agents }, { schedules }, { gates }, stats, failed] = await Promise.all([
    api.get<{ agents: AgentLane[] }>('/agents', about),
    api.get<{ schedules: Schedule[] }>('/schedules', about),
    api.get<{ gates: Gate[] }>('/gates', { ...about, state: 'open' }),
    api.get<Stats>('/stats'),
    listFailedJobs(api, { repo: repo.id, now: clock.now() }),
  ]);
  output.answer({ sandbox: stats.sandbox, repo, agents, schedules, gates }, () =>
    [
      ...sandboxWarning(output, stats),
      ...setAsideWarning(output, stats),
      ...refusedWarning(output, stats, clock.now()),
      statusPage(output, { repo, agents, schedules, gates }, clock.now()),
      ...failedLines(output, failed),
    ].join('\n'),
  );
}

/** A bug of ours, which nobody would see: everything else goes on. */
function setAsideWarning({ paint }: Output, { set_aside: rows }: Stats): string[] {
  return rows.map(({ what, id, tries, error, next_try_at: next }) => {
    const tried = `tried ${tries} ${tries === 1 ? 'time' : 'times'}${next === null ? ', given up' : ''}`;
    const again = next === null ? `; again: autodev retry ${what}:${id}` : '';
    return paint('yellow', `▲ set aside: ${what} ${id} (${tried}${again}): ${oneLine(error)}`);
  });
}

const RECENT_MS = 24 * 3_600_000;

/** Somebody who is not GitLab, a secret that differs, or a database that does not keep up. */
function refusedWarning(
  { paint }: Output,
  { refused_deliveries: refused }: Stats,
  now: Date,
): string[] {
  return refused
    .filter(({ last_at: at }) => now.getTime() - Date.parse(at) < RECENT_MS)
    .map(({ reason, total, last_at: at }) =>
      paint(
        'yellow',
        `▲ deliveries of GitLab refused: ${reason} (${total} ever, last ${agoWord(at, now)})`,
      ),
    );
}

/** First of all: without a box, a worker can do all that this user can. */
function sandboxWarning({ paint }: Output, { sandbox }: Stats): string[] {
  return sandbox === null || sandbox.status === 'True'
    ? []
    : [paint('yellow', `▲ ${oneLine(sandbox.message)}`)];
}
