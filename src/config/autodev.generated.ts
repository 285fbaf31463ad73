// Generated from config-schema/autodev.schema.json by config-schema/generate.ts: do not edit.

export type ModeName = ("live" | "staged")
/**
 * A provider, or its name alone: `codex` is short for `{ name: codex }`.
 */
export type Provider = ({
/**
 * `codex`, `claude`, or `command` (any program).
 */
name: ("codex" | "claude" | "command")
/**
 * The model to ask for. Not with `command`.
 */
model?: string
/**
 * `command` only: the program and its arguments, run in the workspace.
 * 
 * @minItems 1
 * @maxItems 100
 */
run?: string[]
/**
 * `command` only: whether the program gets the metered way to a model.
 */
llm?: boolean
} | ("codex" | "claude"))
/**
 * @minItems 1
 * @maxItems 10
 */
export type Providers = Provider[]
/**
 * Text that is added to the role's own instructions: a file of the repository, or the text itself. A plain text is short for `{ text: … }`.
 */
export type Instructions = ({
/**
 * A file of the repository, read on the default branch.
 */
file?: string
/**
 * The text itself.
 */
text?: string
} | string)
export type Tokens = (number | string)
export type Usd = (number | string)
export type Duration = string
export type Bytes = string
export type Percent = string
/**
 * @maxItems 50
 */
export type ShellCommands = string[]
export type Check = (string[] | "pipeline")
export type Host = string
export type Glob = string
/**
 * @maxItems 200
 */
export type Paths = Glob[]
export type Person = string
export type SimpleOutput = (boolean | {
/**
 * How many one job may write.
 */
max?: number
mode?: ModeName
})
export type Label = string
export type AgentName = ("pm" | "architect" | "builder" | "reviewer" | "tester" | "security" | "devops" | "bug-finder")
export type Task = string
export type EventName = ("first_start" | "issue_opened" | "issue_labeled" | "issue_assigned" | "mention" | "comment" | "merge_request_opened" | "merge_request_updated" | "merge_request_merged" | "review_requested" | "changes_requested" | "pipeline_failed" | "push" | "tag_push" | "job_succeeded")
/**
 * @minItems 1
 * @maxItems 50
 */
export type WhereValue = (string | string[])
export type BudgetConfig = ({
/**
 * `repo`, or one agent.
 */
scope?: ("repo" | "pm" | "architect" | "builder" | "reviewer" | "tester" | "security" | "devops" | "bug-finder")
/**
 * The window, in the file's `timezone`.
 */
per: ("hour" | "day" | "week" | "month")
usd?: Usd
tokens?: Tokens
warn?: Percent
/**
 * At the limit: ask people (`question`), `wait` for the next window, or `fail`.
 */
on_exhausted?: ("question" | "wait" | "fail")
} | null)
export type ApprovalConfig = ({
/**
 * What waits: a job before it starts (`run`), a merge request (`merge`), or a loosening change of this file (`config`).
 */
gate?: ("run" | "merge" | "config")
/**
 * How many people must agree.
 */
approvals?: number
/**
 * The lowest role of a voter.
 */
role?: ("reporter" | "developer" | "maintainer" | "owner")
/**
 * Voters by user name; they still need the role.
 * 
 * @maxItems 100
 */
users?: Person[]
/**
 * Voters by group; inherited members count.
 * 
 * @maxItems 100
 */
groups?: string[]
paths?: Paths
/**
 * Only for these agents.
 */
agents?: AgentName[]
remind?: Duration
expires?: Duration
close_after?: Duration
remember?: Duration
} | null)

/**
 * `autodev.yaml`: what Auto-Dev does for one repository. What is merged on the default branch is what runs.
 */
export interface AutodevConfig {
/**
 * The version of this format.
 */
version: 1
/**
 * The IANA time zone of schedules, of `until` and of budget windows.
 */
timezone?: string
mode?: ModeName
providers?: Providers
/**
 * The agents that run, by role. One that is not listed does not run. `[pm, builder]` is short for `{ pm: {}, builder: {} }`.
 * 
 * @minItems 1
 */
agents: ({
pm?: AgentConfig
architect?: AgentConfig
builder?: AgentConfig
reviewer?: AgentConfig
tester?: AgentConfig
security?: AgentConfig
devops?: AgentConfig
"bug-finder"?: AgentConfig
} | AgentName[])
/**
 * Jobs that a cron expression makes, by name.
 */
schedules?: {
[k: string]: ScheduleConfig | undefined
}
/**
 * Jobs that an event makes, by name.
 */
triggers?: {
[k: string]: TriggerConfig | undefined
}
/**
 * Hard limits of spending, by name. A repo-wide USD limit per day or per month that the file does not name keeps its default; `null` removes it.
 */
budgets?: {
[k: string]: BudgetConfig | undefined
}
/**
 * Who must agree before what, by name. Every rule that matches must be met. The rule `default` keeps its default where the file does not name it; `null` removes it.
 */
approvals?: {
[k: string]: ApprovalConfig | undefined
}
/**
 * Who merges an approved merge request. `auto` needs at least one matched merge rule with a person's vote and a successful pipeline.
 */
merge?: ("human" | "auto")
/**
 * What agents remember between jobs.
 */
memory?: {
keep?: Duration
}
/**
 * Links in texts that agents write.
 */
links?: {
/**
 * Hosts that agents' texts may link to, beside GitLab's own.
 * 
 * @maxItems 100
 */
allow?: Host[]
}
/**
 * One preset that lies under this file: `group/project//path@tag-or-commit`. One level, pinned; the policy says which are allowed.
 */
extends?: string
}
export interface AgentConfig {
/**
 * `false` stops the agent: its claims and its running work.
 */
enabled?: boolean
mode?: ModeName
instructions?: Instructions
providers?: Providers
/**
 * How many jobs of this agent run at once.
 */
concurrency?: number
limits?: Limits
/**
 * With this many of its merge requests open the agent opens no more: people are behind.
 */
max_open_merge_requests?: number
/**
 * `true`: wait for the first provider rather than fall back to another.
 */
never_downgrade?: boolean
setup?: ShellCommands
check?: Check
/**
 * What `setup` may reach. The worker itself has no network.
 */
network?: {
/**
 * Hosts, for `setup` only.
 * 
 * @maxItems 100
 */
allow?: Host[]
}
/**
 * Environment variables for `setup` and `check` only. Values are text: quote numbers.
 */
env?: {
[k: string]: string | undefined
}
paths?: Paths
allow?: AllowConfig
}
/**
 * What one attempt may use; `job` is over all attempts.
 */
export interface Limits {
tokens?: Tokens
usd?: Usd
/**
 * Turns of one attempt.
 */
turns?: number
wall?: Duration
idle?: Duration
/**
 * How often a failed attempt is tried, the first one included.
 */
attempts?: number
memory?: Bytes
min?: Percent
lifetime?: Duration
/**
 * Limits over all attempts of a job and of what follows from it.
 */
job?: {
usd?: Usd
tokens?: Tokens
}
}
export interface AllowConfig {
/**
 * Opening a merge request.
 */
merge_request?: (boolean | {
/**
 * How many one job may open.
 */
max?: number
mode?: ModeName
paths?: Paths
max_patch?: Bytes
/**
 * Who is asked to review: `codeowners`, `round_robin`, or names.
 */
reviewers?: (Person[] | ("codeowners" | "round_robin"))
})
review?: SimpleOutput
comment?: SimpleOutput
/**
 * Opening issues.
 */
issue?: (boolean | {
/**
 * How many one job may open.
 */
max?: number
mode?: ModeName
/**
 * The only labels that may be set.
 * 
 * @maxItems 100
 */
labels?: Label[]
})
/**
 * Handing work to other agents; `[reviewer]` is short for `{ agents: [reviewer] }`.
 * 
 * @minItems 1
 */
hand_off?: (boolean | {
/**
 * How many one job may hand off.
 */
max?: number
mode?: ModeName
/**
 * The agents that work may be handed to.
 * 
 * @minItems 1
 */
agents?: AgentName[]
} | AgentName[])
memory?: SimpleOutput
question?: SimpleOutput
noop?: SimpleOutput
}
export interface ScheduleConfig {
agent: AgentName
/**
 * `false` keeps the schedule in the file without running it.
 */
enabled?: boolean
/**
 * When, as five fields: minute, hour, day of month, month, day of week; in the file's `timezone`. Quote it.
 */
cron: string
task?: Task
with?: WithConfig
/**
 * A condition that is decided without a model; where it does not hold the occurrence is recorded as skipped and costs nothing.
 */
when?: {
changed?: Paths
}
/**
 * When the last one is still at work: `skip`, `queue` (at most one), or `skip_until_merged`.
 */
overlap?: ("skip" | "queue" | "skip_until_merged")
/**
 * After a stop: `skip` what was missed, or do it `once` (the latest occurrence within 24 hours).
 */
missed?: ("skip" | "once")
jitter?: Duration
/**
 * The last day on which it runs, in the file's `timezone`.
 */
until?: string
}
/**
 * Narrows the agent for these jobs; it can never widen it.
 */
export interface WithConfig {
instructions?: Instructions
setup?: ShellCommands
check?: Check
limits?: Limits
paths?: Paths
providers?: Providers
}
export interface TriggerConfig {
agent: AgentName
/**
 * `false` keeps the trigger in the file without running it.
 */
enabled?: boolean
/**
 * The event, or a list of them. `first_start` happens once per repository, at its first applied revision.
 */
event: (EventName[] | ("first_start" | "issue_opened" | "issue_labeled" | "issue_assigned" | "mention" | "comment" | "merge_request_opened" | "merge_request_updated" | "merge_request_merged" | "review_requested" | "changes_requested" | "pipeline_failed" | "push" | "tag_push" | "job_succeeded"))
/**
 * Which of these events count; every line must hold. A list means any of its values.
 */
where?: {
label?: WhereValue
ref?: WhereValue
author?: WhereValue
agent?: WhereValue
paths?: WhereValue
}
/**
 * The lowest role whose act counts; `autodev` lets our own acts count as well.
 */
from?: ("autodev" | "outsider" | "guest" | "reporter" | "developer" | "maintainer" | "owner")
task?: Task
with?: WithConfig
}
