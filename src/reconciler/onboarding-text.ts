/** A first autodev.yaml for a repository on a GitLab: small, safe, and useful as it is. */
export const FIRST_FILE = `# What is merged here is what runs: agents, schedules, budgets and who approves.
version: 1

agents:
  bug-finder: {}                     # looks for bugs and opens an issue for each
  builder:                           # works on issues with the label below, as merge requests
    limits: { usd: 3 }

schedules:
  weekly-bugs: { agent: bug-finder, cron: "0 6 * * 1" }

triggers:
  build-labelled:
    agent: builder
    event: issue_labeled
    where: { label: autodev }
    from: developer                  # whose labels count

budgets:
  daily: { usd: 5, per: day }        # a hard limit: nothing is spent beyond it

approvals:
  default: { gate: merge, approvals: 1, role: developer }    # nothing of an agent is merged without you
`;

export const OFFER_TITLE = 'Let Auto-Dev work on this repository';

/** What the merge request says of itself; what its file would do, and what is wrong with it, says the plan below it. */
export const OFFER_TEXT = `This adds a first \`autodev.yaml\`. Nothing runs before it is merged, and nothing of an agent is ever merged without people.

**What would happen**

- The note below is the plan of this file: which agents, when they run next, and what a day may cost at most. It follows every change of this branch and shows what is wrong with the file.
- Each Monday an agent looks for bugs and opens issues. It changes no code.
- An issue that a developer labels \`autodev\` is worked on; the result comes as a merge request for you to read.
- No day costs more than the budget in the file.

**What to do**

- Edit the file on this branch as you like, and **merge** to begin.
- **Close** this merge request to decline. That is remembered, and it is not offered again by itself.
`;
