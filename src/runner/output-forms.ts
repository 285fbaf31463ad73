import type { Output } from '../domain/output.ts';
import type { Allow, AllowRule, OutputType } from '../domain/spec.ts';

interface OutputForm {
  /** Every key that there is; checked against the schema by a test. */
  readonly form: Output;
  /** What it does, and what its values may be. */
  readonly does: string;
}

/** Each output as a worker is told of it. Texts are at most 32,000 characters unless another length is named. */
const FORMS = {
  merge_request: {
    form: { type: 'merge_request', title: '…', description: '…' },
    does: 'Opens a merge request with everything that you changed in the working directory. `title`: one line of at most 255 characters. Only if files changed.',
  },
  review: {
    form: {
      type: 'review',
      verdict: 'comment',
      summary: '…',
      comments: [{ path: 'src/file.ts', line: 42, body: '…' }],
    },
    does: 'Reviews the merge request that the job is about. `verdict`: `comment` or `request_changes`. `comments` (optional, at most 50): `line` is one of the new version, from 1.',
  },
  comment: {
    form: { type: 'comment', body: '…', target: 'subject' },
    does: 'Comments on an issue or a merge request. `target`: `subject` (what the job is about; the default), `issue:N` or `merge_request:N`.',
  },
  issue: {
    form: { type: 'issue', title: '…', description: '…', labels: ['…'] },
    does: 'Opens an issue. `title`: one line of at most 255 characters. `labels` is optional.',
  },
  hand_off: {
    form: { type: 'hand_off', agent: 'builder', title: '…', task: '…' },
    does: "Makes a job for another agent, which begins when this one's results stand. `task`: complete in itself, at most 8,000 characters.",
  },
  memory: {
    form: { type: 'memory', kind: 'fact', text: '…' },
    does: 'Proposes something to remember, word for word; it counts when the work is merged. `kind`: `fact`, `decision`, `convention` or `pitfall`. `text`: at most 2,000 characters.',
  },
  question: {
    form: { type: 'question', text: '…' },
    does: 'Asks people one question that can be answered in a sentence, at most 4,000 characters. You end after it; the job waits and goes on with the answer.',
  },
  noop: {
    form: { type: 'noop', reason: '…' },
    does: 'Says that there is nothing to do, and why: at most 4,000 characters. A good result where it is true.',
  },
} as const satisfies Record<OutputType, OutputForm>;

/** The outputs that an agent may write, one line of Markdown each, with their exact form and its limits. */
export function outputForms(allow: Allow): string {
  return Object.values(FORMS)
    .flatMap(({ form, does }) => {
      const rule = allow[form.type];
      return rule === undefined || rule.max === 0
        ? []
        : [`- \`${JSON.stringify(form)}\` (at most ${rule.max}): ${does}${limits(rule)}`];
    })
    .join('\n');
}

function limits({ paths, maxPatchBytes, agents, labels }: AllowRule): string {
  return [
    paths && ` Only these paths may change: ${listed(paths)}.`,
    maxPatchBytes !== undefined && ` The change may have at most ${maxPatchBytes} bytes.`,
    agents && ` \`agent\`: one of ${listed(agents)}.`,
    labels && ` Labels that may be set: ${listed(labels)}.`,
  ]
    .filter(Boolean)
    .join('');
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.map((name) => `\`${name}\``).join(', ');
}
