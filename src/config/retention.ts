import { amount } from './amount.ts';
import type { Policy } from './policy.generated.ts';

const DAY_MS = 86_400_000;
const DAYS = { transcripts: 30, jobEvents: 90, jobs: 400, artifacts: 7, events: 7, sessions: 30 };

/** For how many days things are kept; artifacts from their merge on. Ledger and audit stay for ever. */
export type Retention = Readonly<typeof DAYS>;

/** What the policy says, and the defaults for the rest. A part of a day is kept to its end. */
export function retention({ retention: said = {} }: Policy): Retention {
  const days = (text: string | undefined, otherwise: number): number => {
    const ms = amount('duration', text);
    return ms === undefined ? otherwise : Math.ceil(ms / DAY_MS);
  };
  return {
    transcripts: days(said.transcripts, DAYS.transcripts),
    jobEvents: days(said.job_events, DAYS.jobEvents),
    jobs: days(said.jobs, DAYS.jobs),
    artifacts: days(said.artifacts, DAYS.artifacts),
    events: days(said.webhooks, DAYS.events),
    sessions: DAYS.sessions,
  };
}
