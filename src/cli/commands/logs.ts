import type { Context, Define } from '../context.ts';
import { examples } from '../context.ts';
import { followEvents } from '../event-stream.ts';
import { jobIdText, wholeNumber } from '../parse-arguments.ts';
import { transcriptLine } from '../transcript-line.ts';

interface Options {
  follow?: true;
  attempt?: number;
}

export const define: Define = (command, act) => {
  command
    .argument('<id>', 'the job (j_…)', jobIdText)
    .option('-f, --follow', 'go on until the job is over')
    .option('--attempt <n>', 'only this attempt', wholeNumber({ min: 1, max: 1000 }))
    .addHelpText(
      'after',
      examples(
        ['what was said so far', 'autodev logs j_12'],
        ['watch it work', 'autodev logs j_12 -f'],
        ['the record as JSON lines', 'autodev logs j_12 -o json'],
      ),
    )
    .action(act(showLogs));
};

async function showLogs(context: Context, id: string, { follow, attempt }: Options): Promise<void> {
  const { connect, output, stdout } = context;
  const api = await connect();
  const show = (line: string): void => {
    stdout.write(`${output.isJson ? line : transcriptLine(output, line)}\n`);
  };

  if (follow === true) {
    await followEvents(context, api, { path: `/jobs/${id}/transcript`, query: { attempt } }, show);
    return;
  }
  let rest = '';
  for await (const part of api.stream(`/jobs/${id}/transcript`, {
    accept: 'application/x-ndjson',
    query: { attempt },
  })) {
    const lines = (rest + part).split('\n');
    rest = lines.pop() ?? '';
    lines.forEach(show);
  }
}
