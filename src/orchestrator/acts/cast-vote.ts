import type { Db, Queryable } from '../../db/db.ts';
import type { Gate, Verdict, VoteVia } from '../../db/gates.ts';
import { getGate, insertVote, isVoteDecided, lockOpenGate } from '../../db/gates.ts';
import { getRepo } from '../../db/repos.ts';
import type { Wake } from '../../db/wake.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AppError, isErrorCode } from '../../kernel/errors.ts';

/** How long the caller waits to hear what came of the vote; the vote itself stands from the first moment. */
const PATIENCE_MS = 20_000;
const POLL_MS = 200;

export interface CastVoteDeps {
  db: Db;
  clock: Clock;
  wake: Wake;
  /** The operating-system user of local mode, who is the owner. */
  operator: string;
}

export interface NewVote {
  readonly voter: string;
  readonly verdict: Verdict;
  readonly note?: string | undefined;
  /** The commit that was looked at; a gate that has moved on refuses. */
  readonly head?: string | undefined;
  readonly via: VoteVia;
}

/**
 * Records a vote and waits for what the orchestrator makes of it. Answers one sentence; what stood in the way of
 * carrying it out (a working copy with changes in it) is thrown with the remedy, and voting again tries again.
 */
export async function castVote(
  deps: CastVoteDeps,
  gateId: number,
  vote: NewVote,
): Promise<{ message: string }> {
  const { db, operator } = deps;
  const voteId = await db.transaction(async (tx) => {
    const gate = await lockOpenGate(tx, gateId);
    if (!gate) {
      throw closed(await getGate(tx, gateId));
    }
    refuse(gate, vote);
    await refuseOnForge(tx, gate);
    return insertVote(tx, gateId, {
      voter: vote.voter,
      role: 'owner',
      verdict: vote.verdict,
      // The gate's, not the caller's, which may be a short form of it.
      head: gate.head,
      note: vote.note ?? null,
      self: vote.voter === operator,
      via: vote.via,
    });
  });

  const gate = await waitForDecision(deps, { gateId, voteId });
  if (gate?.problem && gate.problem.voteId >= voteId) {
    const { code, message, remedy } = gate.problem;
    throw new AppError(isErrorCode(code) ? code : 'CONFLICT', message, {
      ...(remedy !== undefined && { remedy }),
    });
  }
  if (gate?.state === 'expired' || gate?.state === 'superseded') {
    throw closed(gate);
  }
  return { message: gate ? describe(gate) : 'The vote is recorded and is being carried out.' };
}

/** On GitLab people vote where the others see it, as whom GitLab knows them. */
async function refuseOnForge(tx: Queryable, { id, kind, repoId }: Gate): Promise<void> {
  if (kind !== 'run' && kind !== 'merge' && kind !== 'config') {
    return;
  }
  const { forge, path } = await getRepo(tx, repoId);
  if (forge === 'gitlab') {
    throw new AppError('CONFLICT', `g_${id} is decided by votes on its merge request in ${path}`, {
      remedy: 'Approve or merge it in GitLab, or write a note there: `/autodev help` says which.',
    });
  }
}

function refuse(gate: Gate, vote: NewVote): void {
  if (vote.verdict !== 'approve' && !vote.note?.trim()) {
    throw new AppError('INVALID_REQUEST', `\`${vote.verdict}\` needs a word to go with it`, {
      remedy: `\`autodev ${vote.verdict} g_${gate.id} ${vote.verdict === 'reject' ? '--reason TEXT' : 'TEXT'}\`.`,
    });
  }
  const asks = gate.kind === 'question' || gate.kind === 'rounds';
  if (vote.head !== undefined && gate.head !== null && !gate.head.startsWith(vote.head)) {
    throw new AppError('CONFLICT', `g_${gate.id} is about ${gate.head.slice(0, 12)} by now`, {
      remedy: 'Look at the new state and vote on that.',
    });
  }
  if (vote.verdict === 'answer' && !asks) {
    throw new AppError('INVALID_REQUEST', `g_${gate.id} asks for a decision, not for an answer`, {
      remedy: `Use \`autodev approve g_${gate.id}\`, \`reject\`${gate.kind === 'merge' ? ' or `changes`' : ''}.`,
    });
  }
  if (vote.verdict === 'changes' && gate.kind !== 'merge') {
    throw new AppError('INVALID_REQUEST', `g_${gate.id} has no work that could be sent back`, {
      remedy: asks ? `Use \`autodev answer g_${gate.id} TEXT\`.` : 'Approve or reject it.',
    });
  }
}

/** Undefined when nobody decided in time: no orchestrator runs, or it is busy. */
async function waitForDecision(
  { db, clock, wake }: CastVoteDeps,
  { gateId, voteId }: { gateId: number; voteId: number },
): Promise<Gate | undefined> {
  const until = clock.now().getTime() + PATIENCE_MS;
  const never = new AbortController().signal;
  while (clock.now().getTime() < until) {
    const sequence = wake.sequence();
    if (await isVoteDecided(db, { gateId, voteId })) {
      return getGate(db, gateId);
    }
    await wake.wait(sequence, POLL_MS, never);
  }
  return undefined;
}

function describe(gate: Gate): string {
  const sentences = {
    open: 'The vote is recorded; the gate waits for more.',
    approved: approvedSentence(gate),
    rejected: 'Rejected.',
    changes: 'Sent back; a new job works on your note.',
    answered: 'Answered; the job goes on.',
    expired: 'The gate expired.',
    superseded: 'The gate was replaced by a newer one.',
  } as const satisfies Record<Gate['state'], string>;
  return sentences[gate.state];
}

function approvedSentence({ kind }: Gate): string {
  if (kind === 'merge') {
    return 'Approved and merged.';
  }
  return kind === 'budget' ? 'Raised; the work goes on.' : 'Approved.';
}

function closed(gate: Gate): AppError {
  return new AppError('CONFLICT', `g_${gate.id} is ${gate.state} already`, {
    remedy: 'See what waits for you with `autodev approvals`.',
  });
}
