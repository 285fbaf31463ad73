import { writeAudit } from '../db/audit.ts';
import { cancelJob } from '../db/controls.ts';
import type { Queryable } from '../db/db.ts';
import { insertVote, listOpenGatesOfJob, lockOpenGate } from '../db/gates.ts';
import { lockJob } from '../db/job-locks.ts';
import type { KnownPerson } from '../domain/forge-facts.ts';
import type { ForgeVerdict } from '../domain/forge-question.ts';
import type { AskedCommand } from '../domain/forge-votes.ts';
import { COMMANDS } from '../domain/note-command.ts';
import { isAtLeast } from '../domain/role.ts';
import type { ReadVotes } from '../forge/votes.ts';
import { answerGate } from './answer-gate.ts';
import { endJob } from './end-job.ts';
import type { ReviewContext } from './review-context.ts';
import type { ReviewDeps } from './review-deps.ts';

/**
 * Carries out what people asked for in notes beside voting, each note once. Who is below developer, or a bot, is not
 * answered: an answer would be a way to make us write. Answers the notes that are handled now.
 */
export async function carryOutCommands(
  deps: ReviewDeps,
  context: ReviewContext,
  { read, verdict }: { read: ReadVotes; verdict: ForgeVerdict },
  signal: AbortSignal,
): Promise<string[]> {
  const handled = new Set(context.row.handled);
  const fresh = verdict.commands.filter(({ note }) => !handled.has(note));
  const done: string[] = [];
  for (const asked of fresh) {
    const person = read.facts.people.find(({ id }) => id === asked.by);
    if (person && mayAsk(person, read)) {
      const answer = await deps.db.transaction((tx) => carryOut(tx, context, asked, person));
      if (answer !== undefined) {
        const { repo, number } = context.row;
        const target = { kind: 'merge_request', number } as const;
        const marker = `answer:${asked.note}`;
        await deps.review.putNote(repo, { target, marker, body: answer }, signal);
      }
    }
    done.push(asked.note);
  }
  return done;
}

function mayAsk({ role, active, bot, id }: KnownPerson, read: ReadVotes): boolean {
  return active && !bot && id !== read.bot && isAtLeast(role, 'developer');
}

async function carryOut(
  tx: Queryable,
  { job, row }: ReviewContext,
  { command, at, note }: AskedCommand,
  { username, role }: KnownPerson,
): Promise<string | undefined> {
  const audit = (action: string, target: string): Promise<void> =>
    writeAudit(tx, { actor: username, action, target, repoId: row.repo.id, detail: { note } });
  switch (command.verb) {
    case 'answer': {
      const locked = job && (await lockJob(tx, job.id));
      const gates = locked ? await listOpenGatesOfJob(tx, locked.id) : [];
      const asks = gates.find(({ kind }) => kind === 'question' || kind === 'rounds');
      const gate = asks && (await lockOpenGate(tx, asks.id));
      if (!gate || locked?.state !== 'waiting') {
        return 'No question waits for an answer here.';
      }
      const vote = {
        voter: username,
        role,
        verdict: 'answer' as const,
        head: null,
        note: command.text,
        self: false,
        via: 'note' as const,
      };
      const id = await insertVote(tx, gate.id, vote);
      await answerGate(tx, gate, { ...vote, id, at });
      return undefined;
    }
    case 'stop': {
      if (!job) {
        return 'No job works on this.';
      }
      const detail = `${username} stopped it.`;
      const ended = await endJob(tx, job.id, {
        from: ['queued', 'waiting', 'publishing', 'review'],
        to: 'cancelled',
        reason: 'cancelled',
        detail,
        actor: username,
      });
      if (!ended) {
        await cancelJob(tx, { id: job.id, actor: username, reason: detail });
      }
      await audit('job.cancel', `j_${job.id}`);
      return `Stopped: j_${job.id}. The branch stays.`;
    }
    case 'help':
      return COMMANDS.map(([usage, does]) => `- \`${usage}\`: ${does}`).join('\n');
    case 'unclear':
      return command.remedy;
    case 'retry':
      return `To do the work again from the beginning: \`autodev retry ${job ? `j_${job.id}` : 'JOB'}\`. To have it done differently here: \`/autodev changes NOTE\`.`;
    case 'plan':
      return `The plan of a change of autodev.yaml stands in its own note here. For the repository: \`autodev plan ${row.repo.path}\`.`;
    case 'rehearse':
      return `Rehearsals are shown where files of the repository are: \`autodev rehearse ${command.agent}\`.`;
    default:
      return command satisfies never;
  }
}
