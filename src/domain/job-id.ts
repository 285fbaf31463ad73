import { AppError } from '../kernel/errors.ts';

/** A database id: bigint in Postgres, at most 15 digits here, so that it is a number without loss. */
export type RowId = number;

const KINDS = { job: 'j', gate: 'g' } as const;

export function formatJobId(id: RowId): string {
  return `j_${id}`;
}

export function formatGateId(id: RowId): string {
  return `g_${id}`;
}

/** @throws AppError USAGE when the text is no job id, with how one looks */
export function parseJobId(text: string): RowId {
  return parse(text, 'job');
}

/** @throws AppError USAGE when the text is no gate id, with how one looks */
export function parseGateId(text: string): RowId {
  return parse(text, 'gate');
}

/** For what takes either: `g_…`, or a `j_…` that has one open gate. */
export function parseJobOrGateId(text: string): { kind: 'job' | 'gate'; id: RowId } {
  const kind = text.startsWith('g_') ? 'gate' : 'job';
  return { kind, id: parse(text, kind) };
}

function parse(text: string, kind: keyof typeof KINDS): RowId {
  const letter = KINDS[kind];
  const digits = /^([a-z])_([1-9]\d{0,14})$/u.exec(text);
  if (digits?.[1] === letter) {
    return Number(digits[2]);
  }
  const list = kind === 'job' ? 'autodev jobs' : 'autodev approvals';
  const remedy = /^\d+$/u.test(text)
    ? `Did you mean ${letter}_${text}?`
    : `A ${kind} id looks like ${letter}_123; \`${list}\` shows them.`;
  throw new AppError('USAGE', `${JSON.stringify(text)} is no ${kind} id`, { remedy });
}
