import type { ForgeVerdict } from './forge-question.ts';
import { proseLine } from './markdown.ts';
import { COMMANDS } from './note-command.ts';

/** What a merge request waits for, on one screen: our one note there, edited when it changes. */
export function reviewNote(
  verdict: ForgeVerdict,
  { name, auto }: { name: (id: string) => string; auto: boolean },
): string {
  const lines = [headline(verdict, { name, auto }), ...missingLines(verdict)];
  const lost = verdict.discounted.map(
    ({ by, sentence }) => `- @${name(by)}: ${proseLineKeepingCode(sentence)}`,
  );
  const told = lost.length === 0 ? [] : ['', 'Votes that do not count:', ...new Set(lost)];
  const usage = COMMANDS.map(([command, does]) => `- \`${command}\`: ${does}`);
  const help = `<details><summary>How to answer</summary>\n\n${usage.join('\n')}\n\n</details>`;
  return [...lines, ...told, '', help].join('\n');
}

function headline(
  verdict: ForgeVerdict,
  { name, auto }: { name: (id: string) => string; auto: boolean },
): string {
  switch (verdict.state) {
    case 'approved': {
      const ids = new Set(
        verdict.count.approval.rules.flatMap(({ approvers }) => approvers.map(name)),
      );
      const by = [...ids].join(', ');
      const next = auto ? 'It is merged as soon as nothing is against it.' : 'It can be merged.';
      return `**Approved** at \`${verdict.head.slice(0, 8)}\` by ${by}. ${next}`;
    }
    case 'changes':
      return `**Sent back** by ${name(verdict.vote.by)}: a new job works on it.`;
    case 'rejected':
      return `**Rejected** by ${name(verdict.vote.by)}. The branch stays.`;
    case 'merged':
      return verdict.approval === 'met'
        ? '**Merged**, and its rules were met.'
        : `**Merged below its rule.** ${verdict.why.join(' ')} Nothing follows from it, and the agent pauses until a maintainer resumes it.`;
    case 'closed':
      return '**Closed** unmerged. The branch stays.';
    case 'moved':
      return `**Somebody pushed** \`${verdict.head.slice(0, 8)}\`: the votes so far are void.`;
    case 'foreign':
      return `**Nothing is counted here.** ${verdict.why}`;
    case 'unsettled':
    case 'waiting':
      return '**Waits for people.**';
    default:
      return verdict satisfies never;
  }
}

function missingLines(verdict: ForgeVerdict): string[] {
  return verdict.state === 'waiting' || verdict.state === 'approved'
    ? verdict.missing.map((sentence) => `- ${proseLineKeepingCode(sentence)}`)
    : [];
}

/** Our own sentences: names in them are people's, what stands between backticks is a command. */
function proseLineKeepingCode(sentence: string): string {
  return sentence
    .split('`')
    .map((part, i) => (i % 2 === 1 ? `\`${part}\`` : part === '' ? '' : padded(part)))
    .join('');
}

/** proseLine trims, and the spaces beside code have to stay. */
function padded(part: string): string {
  const [, before = '', text = '', after = ''] = /^(\s*)([\s\S]*?)(\s*)$/u.exec(part) ?? [];
  return before + (text === '' ? '' : proseLine(text)) + after;
}
