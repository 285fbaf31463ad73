import type { Output } from './output.ts';
import type { Allow, AllowRule, OutputType } from './spec.ts';

/** An output and its line in the file, from 1. */
export interface OutputLine {
  readonly line: number;
  readonly output: Output;
}

type OutputRefusalCode =
  | 'type_not_allowed'
  | 'too_many'
  | 'no_change'
  | 'patch_too_large'
  | 'no_subject'
  | 'subject_kind'
  | 'agent_not_allowed'
  | 'repo_not_allowed'
  | 'label_not_allowed';

export interface OutputRefusal {
  readonly line: number;
  readonly code: OutputRefusalCode;
  readonly message: string;
  /** How the agent's worker or the repository's owner can make it acceptable. */
  readonly remedy: string;
}

export interface OutputContext {
  /** The attempt's `allow`, already narrowed by today's policy. */
  readonly allow: Allow;
  /** What the job is about. */
  readonly subject: 'issue' | 'merge_request' | 'commit' | 'none';
  /** What the worker changed in its tree; 0 bytes when nothing. */
  readonly patchBytes: number;
  /** Repositories beside its own that work may be handed to, by path. */
  readonly repos: readonly string[];
}

/**
 * Parts a worker's outputs into those that may be carried out and those that are refused, each refusal with
 * its line. Up to `max` outputs of a type are accepted in the order of the file, the surplus is refused.
 */
export function checkOutputs(
  lines: readonly OutputLine[],
  context: OutputContext,
): { accepted: OutputLine[]; refusals: OutputRefusal[] } {
  const accepted: OutputLine[] = [];
  const refusals: OutputRefusal[] = [];
  const counts = new Map<OutputType, number>();

  for (const entry of lines) {
    const { output, line } = entry;
    const count = counts.get(output.type) ?? 0;
    const refusal = refuse(output, count, context);
    if (refusal === undefined) {
      counts.set(output.type, count + 1);
      accepted.push(entry);
    } else {
      refusals.push({ line, ...refusal });
    }
  }
  return { accepted, refusals };
}

/**
 * The merge request that follows from a worker which changed files and wrote no output at all, titled after
 * the task: any script that edits files is an agent. Undefined where `allow` has no merge request.
 */
export function deriveMergeRequest({
  lines,
  patchBytes,
  allow,
  title,
}: {
  lines: readonly OutputLine[];
  patchBytes: number;
  allow: Allow;
  title: string;
}): Output | undefined {
  if (lines.length > 0 || patchBytes === 0 || allow.merge_request === undefined) {
    return undefined;
  }
  const firstLine = title.trim().split('\n', 1)[0] ?? '';
  return {
    type: 'merge_request',
    title: firstLine.slice(0, 255) || 'Changes by an agent',
    description: title.trim() || 'The worker changed files and said nothing about it.',
  };
}

type Refusal = Omit<OutputRefusal, 'line'>;

function refuse(output: Output, count: number, context: OutputContext): Refusal | undefined {
  const { type } = output;
  const rule = context.allow[type];
  if (rule === undefined || rule.max === 0) {
    return {
      code: 'type_not_allowed',
      message: `This agent may not write ${type}.`,
      remedy: `Add it to the agent: allow: { ${type}: true }`,
    };
  }
  if (count >= rule.max) {
    return {
      code: 'too_many',
      message: `More than ${rule.max} of ${type}.`,
      remedy: `Raise it: allow: { ${type}: { max: ${count + 1} } }`,
    };
  }
  switch (output.type) {
    case 'merge_request': {
      return refusePatch(rule, context);
    }
    case 'review':
    case 'comment': {
      return refuseTarget(output, context);
    }
    case 'issue': {
      return refuseLabels(output.labels ?? [], rule);
    }
    case 'hand_off': {
      return refuseHandOff(output, rule, context);
    }
    case 'memory':
    case 'question':
    case 'noop': {
      break;
    }
  }
  return undefined;
}

function refusePatch(rule: AllowRule, { patchBytes }: OutputContext): Refusal | undefined {
  if (patchBytes === 0) {
    return {
      code: 'no_change',
      message: 'A merge request was asked for, but no file changed.',
      remedy: 'Write a noop or a comment when there is nothing to change.',
    };
  }
  const most = rule.maxPatchBytes ?? Number.POSITIVE_INFINITY;
  return patchBytes <= most
    ? undefined
    : {
        code: 'patch_too_large',
        message: `The change has ${patchBytes} bytes, ${most} are allowed.`,
        remedy: 'Make the task smaller, or raise allow.merge_request.max_patch.',
      };
}

function refuseTarget(
  output: Extract<Output, { type: 'review' | 'comment' }>,
  { subject }: OutputContext,
): Refusal | undefined {
  if (output.type === 'review') {
    return subject === 'merge_request'
      ? undefined
      : {
          code: 'subject_kind',
          message: 'Only a merge request can be reviewed, and the job is not about one.',
          remedy: 'Write a comment or an issue instead.',
        };
  }
  const isElsewhere = output.target !== undefined && output.target !== 'subject';
  return isElsewhere || subject === 'issue' || subject === 'merge_request'
    ? undefined
    : {
        code: 'no_subject',
        message:
          'The job is about no issue and no merge request, so there is nothing to comment on.',
        remedy: 'Name one: "target": "issue:N", or write an issue.',
      };
}

function refuseLabels(labels: readonly string[], rule: AllowRule): Refusal | undefined {
  const allowed = rule.labels;
  const refused = allowed && labels.find((label) => !allowed.includes(label));
  return refused === undefined
    ? undefined
    : {
        code: 'label_not_allowed',
        message: `The label ${JSON.stringify(refused)} is not among those that this agent may set.`,
        remedy: 'Add it to allow.issue.labels, or leave it out.',
      };
}

function refuseHandOff(
  { agent, repo }: Extract<Output, { type: 'hand_off' }>,
  rule: AllowRule,
  { repos }: OutputContext,
): Refusal | undefined {
  if (!(rule.agents ?? []).includes(agent)) {
    return {
      code: 'agent_not_allowed',
      message: `This agent may not hand work to ${agent}.`,
      remedy: `Add it: allow: { hand_off: [${[...(rule.agents ?? []), agent].join(', ')}] }`,
    };
  }
  return repo === undefined || repos.includes(repo)
    ? undefined
    : {
        code: 'repo_not_allowed',
        message: `Work may not be handed to the repository ${JSON.stringify(repo)}.`,
        remedy:
          'Leave `repo` out to stay in this repository, or ask ops to allow it in the policy.',
      };
}
