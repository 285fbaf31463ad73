import { countVotes } from './forge-count.ts';
import type { ForgeCount, ForgeQuestion, ForgeVerdict } from './forge-question.ts';
import { hearVotes, type ForgeVote, type HeardNotes, type LostVote } from './forge-votes.ts';

/** GitLab takes votes back 10 s after a push, and shows them until then. */
export const QUIET_MS = 15_000;

/**
 * What people decided about one merge request, from everything that was read of it. Depends on nothing but its
 * question: asked again, or with what was read in another order, it answers the same. It never opens by time, by an
 * error, or by what the forge itself calls approved.
 */
export function decideForgeVotes(question: ForgeQuestion): ForgeVerdict {
  const { request, ours, gate, expected } = question;
  const silent = { commands: [], discounted: [] };
  if (gate !== 'config' && request.author !== ours.bot) {
    return { ...silent, state: 'foreign', why: 'Its author is not our account.' };
  }
  if (gate !== 'config' && request.sourceProject !== request.project) {
    return { ...silent, state: 'foreign', why: 'Its branch is one of a fork.' };
  }
  // Read while it moved: no part of it may be put together with another.
  if (request.movedMeanwhile) {
    return { ...silent, state: 'unsettled', why: 'It moved while it was read.', againMs: 0 };
  }

  const [version] = request.versions;
  if (request.state === 'merged') {
    return judgeMerged(question);
  }
  if (request.state === 'closed') {
    return { ...hear(question), state: 'closed', by: request.closedBy };
  }
  if (request.target !== expected.target) {
    const why = `It leads to ${request.target}: set its target back to ${expected.target}.`;
    return { ...hear(question), state: 'waiting', missing: [why] };
  }
  if (request.head === undefined || version?.head !== request.head) {
    return { ...silent, state: 'unsettled', why: 'GitLab prepares it.', againMs: RETRY_MS };
  }
  if (request.head !== expected.head) {
    const by = request.pushes.filter(({ head }) => head === request.head).map(({ by: id }) => id);
    return { ...hear(question), state: 'moved', head: request.head, by: [...new Set(by)] };
  }
  return judgeOpen(question, { head: request.head, since: version.at });
}

const RETRY_MS = 1000;

function judgeOpen(question: ForgeQuestion, at: { head: string; since: Date }): ForgeVerdict {
  const { request, quietMs, now, merge } = question;
  const heard = hearVotes(request, {
    ...at,
    quietMs,
    bot: question.ours.bot,
    spent: question.spent,
  });
  const count = countVotes(question, heard.votes, at.head);
  const told = { commands: heard.commands, discounted: discountedOf(heard, count) };
  const { approval } = count;
  const deciding = heard.votes.findLast(
    ({ by, choice }) => by === approval.by && choice !== 'approve',
  );
  if (deciding && (approval.decision === 'rejected' || approval.decision === 'changes')) {
    return { ...told, state: approval.decision, vote: deciding, count };
  }

  const missing = approval.rules.flatMap((rule) => rule.missing ?? []);
  if (count.authorship.unknownHand) {
    missing.push('One approval more than usual: who made a part of the change is not known.');
  }
  if (approval.decision !== 'approved') {
    return { ...told, state: 'waiting', missing: [...missing, ...blockers(question)], count };
  }
  if (request.draft) {
    return { ...told, state: 'waiting', missing: ['It is a draft: mark it as ready.'], count };
  }
  if (request.objections.length > 0) {
    const names = request.objections.map((id) => nameOf(question, id)).join(', ');
    return { ...told, state: 'waiting', missing: [`${names} asked for changes in GitLab.`], count };
  }
  // Whatever is about to be approved has to stand still first.
  const quietLeft = at.since.getTime() + quietMs - now.getTime();
  if (quietLeft > 0) {
    return {
      ...told,
      state: 'unsettled',
      why: 'It was pushed to a moment ago.',
      againMs: quietLeft,
    };
  }
  if (request.unsettled) {
    return { ...told, state: 'unsettled', why: 'GitLab looks at it.', againMs: RETRY_MS };
  }
  const against = blockers(question);
  const mergeable = question.gate === 'merge' && merge === 'auto' && against.length === 0;
  return { ...told, state: 'approved', head: at.head, mergeable, missing: against, count };
}

/** A merge counts as the merger's one vote; with it the rules are met, or they were bypassed. */
function judgeMerged(question: ForgeQuestion): ForgeVerdict {
  const { request, quietMs, ours, expected } = question;
  const [version] = request.versions;
  const head = request.head ?? version?.head ?? expected.head;
  const since = version?.head === head ? version.at : (request.mergedAt ?? question.now);
  const { mergedBy: by, mergedAt, mergedCommit } = request;
  const merged =
    question.gate === 'config' && mergedCommit !== undefined && mergedAt !== undefined
      ? { commit: mergedCommit, at: mergedAt }
      : undefined;
  const heard = hearVotes(request, {
    head,
    since,
    quietMs,
    bot: ours.bot,
    spent: question.spent,
    merged,
  });
  // What was said after the merge decides about nothing but a file, whose change can still be voted on.
  const votes = heard.votes.filter(
    ({ at }) => question.gate === 'config' || mergedAt === undefined || at <= mergedAt,
  );
  // Our own merge is no vote: it follows from votes.
  const merger: ForgeVote[] =
    by === undefined || by === ours.bot
      ? []
      : [
          {
            id: `merge:${by}`,
            by,
            choice: 'approve',
            head,
            via: 'merge',
            at: mergedAt ?? question.now,
            text: undefined,
            note: undefined,
          },
        ];
  const count = countVotes(question, [...votes, ...merger], head);
  const why = [
    ...(count.approval.decision === 'approved'
      ? []
      : count.approval.rules.flatMap((rule) => rule.missing ?? [])),
    ...(count.approval.decision === 'rejected' || count.approval.decision === 'changes'
      ? [`${nameOf(question, count.approval.by ?? '')} was against it.`]
      : []),
    ...(request.target === question.expected.target
      ? []
      : [`It was merged into ${request.target}.`]),
  ];
  const approval = count.approval.decision === 'approved' && why.length === 0 ? 'met' : 'bypassed';
  const told = { commands: heard.commands, discounted: discountedOf(heard, count) };
  return { ...told, state: 'merged', head, commit: request.mergedCommit, by, approval, why, count };
}

/** What of the forge's side stands against a merge by us. */
function blockers({ request, merge, gate }: ForgeQuestion): string[] {
  const { pipeline, against } = request;
  if (gate !== 'merge' || merge !== 'auto') {
    return [];
  }
  const green = pipeline?.sha === request.head && pipeline?.status === 'success';
  return [
    ...(green
      ? []
      : [
          `A successful pipeline of ${request.head?.slice(0, 8)}: it is ${pipeline?.sha === request.head ? pipeline?.status : 'absent'}.`,
        ]),
    ...(against === undefined || against === 'ci_must_pass' || against === 'ci_still_running'
      ? []
      : [`GitLab would not merge it: ${against.replaceAll('_', ' ')}.`]),
  ];
}

function hear(question: ForgeQuestion): Pick<ForgeVerdict, 'commands' | 'discounted'> {
  const { request, quietMs, ours } = question;
  const [version] = request.versions;
  const head = request.head ?? '';
  const heard = hearVotes(request, {
    head,
    since: version?.at ?? question.now,
    quietMs,
    bot: ours.bot,
    spent: question.spent,
  });
  return { commands: heard.commands, discounted: heard.lost };
}

function discountedOf({ lost }: HeardNotes, { approval, votes }: ForgeCount): LostVote[] {
  const refused = approval.discounted
    .filter(({ reason }) => reason !== 'replaced')
    .map(({ vote, sentence }) => ({
      by: vote.by,
      note: votes.find(({ id }) => id === vote.id)?.note,
      sentence,
    }));
  return [...lost, ...refused];
}

function nameOf({ request }: ForgeQuestion, id: string): string {
  const person = request.people.find((one) => one.id === id);
  return person ? `@${person.username}` : 'Somebody';
}
