// Generated from config-schema/policy.schema.json by config-schema/generate.ts: do not edit.

/**
 * @minItems 1
 * @maxItems 500
 */
export type RepoGlobs = string[]
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
export type TokensCeiling = (number | string | {
max: Tokens
mode?: Enforce
})
/**
 * `reject`: the file is refused. `clamp`: the limit is used in its place. `warn`: it is only said.
 */
export type Enforce = ("reject" | "clamp" | "warn")
export type UsdCeiling = (number | string | {
max: Usd
mode?: Enforce
})
export type CountCeiling = (number | {
/**
 * The most.
 */
max: number
mode?: Enforce
})
export type DurationCeiling = (string | {
max: Duration
mode?: Enforce
})
export type BytesCeiling = (string | {
max: Bytes
mode?: Enforce
})
export type DurationFloor = (string | {
min: Duration
mode?: Enforce
})

/**
 * The ops-owned file that says what a repository's `autodev.yaml` may ask for. The rules are read in order; for each key the last rule that matches the repository and names the key wins.
 */
export interface Policy {
/**
 * The version of this format.
 */
version: 1
/**
 * What holds for which repositories; later rules win, key by key.
 * 
 * @maxItems 500
 */
rules?: PolicyRule[]
/**
 * How many jobs run at once in the whole fleet.
 */
concurrency?: {
/**
 * Over all repositories.
 */
fleet?: number
/**
 * Of one repository; a rule may say otherwise.
 */
repo?: number
/**
 * Of one provider.
 */
providers?: {
[k: string]: number | undefined
}
}
/**
 * Hard limits over the fleet or over groups of repositories, by name.
 */
budgets?: {
[k: string]: GroupBudget | undefined
}
/**
 * Prices of models that the built-in table does not know, or that changed; US dollars per million tokens.
 * 
 * @maxItems 1000
 */
prices?: Price[]
/**
 * How long what happened is kept. The ledger and the audit stay.
 */
retention?: {
transcripts?: Duration
webhooks?: Duration
job_events?: Duration
jobs?: Duration
artifacts?: Duration
}
}
export interface PolicyRule {
repos: RepoGlobs
/**
 * Whether these repositories are served. A repository that no rule allows is ignored.
 */
allow?: boolean
defaults?: PolicyDefaults
/**
 * The agents that may be listed.
 */
agents?: AgentName[]
/**
 * The providers that may be named. `command` needs `command: true` as well.
 */
providers?: ("codex" | "claude" | "command")[]
/**
 * The models that may be named, as globs.
 */
models?: string[]
/**
 * Whether an agent may be a program of the repository (`command`).
 */
command?: boolean
/**
 * What `extends` may name, as globs without the `@…`.
 */
presets?: string[]
/**
 * Hosts that `network.allow` may name, as globs.
 */
network?: string[]
/**
 * Names of secrets that `setup` and `check` may be given, as globs.
 */
secrets?: string[]
/**
 * Whether `merge: auto` may be asked for.
 */
auto_merge?: boolean
ceilings?: Ceilings
/**
 * What a file may raise and never lower.
 */
floors?: {
/**
 * Votes that every merge needs at least.
 */
approvals?: number
/**
 * The lowest role of a voter.
 */
role?: ("reporter" | "developer" | "maintainer" | "owner")
/**
 * The lowest role whose act may start a job.
 */
from?: ("outsider" | "guest" | "reporter" | "developer" | "maintainer" | "owner")
protected_paths?: Paths
mode?: Enforce
}
/**
 * How many jobs of one of these repositories run at once.
 */
concurrency?: number
/**
 * What a change of `autodev.yaml` needs before it applies.
 */
change_control?: {
/**
 * `required`: it must have reached the default branch by a merge request.
 */
merge_request?: ("required" | "optional")
/**
 * A change that an agent wrote: `hold` it for a person's vote, or `refuse` it.
 */
agent_authored?: ("hold" | "refuse")
/**
 * A change that loosens: `hold` it for the `config` gate, or `apply` it.
 */
loosening?: ("hold" | "apply")
}
/**
 * Times in which no job starts. A denial beats everything.
 * 
 * @maxItems 50
 */
deny_windows?: DenyWindow[]
/**
 * How much one change may remove without being confirmed.
 */
prune?: {
share?: Percent
/**
 * So many are always allowed.
 */
count?: number
}
}
export interface PolicyDefaults {
/**
 * As in autodev.yaml.
 */
timezone?: string
mode?: ModeName
providers?: Providers
/**
 * Defaults of agents, by role; they hold for those that the file lists.
 */
agents?: {
pm?: AgentConfig
architect?: AgentConfig
builder?: AgentConfig
reviewer?: AgentConfig
tester?: AgentConfig
security?: AgentConfig
devops?: AgentConfig
"bug-finder"?: AgentConfig
}
/**
 * As in autodev.yaml.
 */
budgets?: {
[k: string]: BudgetConfig | undefined
}
/**
 * As in autodev.yaml.
 */
approvals?: {
[k: string]: ApprovalConfig | undefined
}
/**
 * As in autodev.yaml.
 */
merge?: ("human" | "auto")
/**
 * As in autodev.yaml.
 */
memory?: {
keep?: Duration
}
/**
 * As in autodev.yaml.
 */
links?: {
/**
 * As in autodev.yaml.
 */
allow?: Host[]
}
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
export interface Ceilings {
attempt_tokens?: TokensCeiling
attempt_usd?: UsdCeiling
attempt_turns?: CountCeiling
attempt_wall?: DurationCeiling
attempt_memory?: BytesCeiling
attempts?: CountCeiling
lifetime?: DurationCeiling
concurrency?: CountCeiling
open_merge_requests?: CountCeiling
max_patch?: BytesCeiling
usd_per_day?: UsdCeiling
usd_per_month?: UsdCeiling
tokens_per_day?: TokensCeiling
schedules?: CountCeiling
triggers?: CountCeiling
schedule_interval?: DurationFloor
}
export interface DenyWindow {
/**
 * When it begins, five fields.
 */
cron: string
duration: Duration
/**
 * The IANA time zone of `cron`.
 */
timezone?: string
/**
 * What people are told.
 */
reason?: string
}
export interface GroupBudget {
repos?: RepoGlobs
/**
 * The window, in UTC.
 */
per: ("hour" | "day" | "week" | "month")
usd?: Usd
tokens?: Tokens
}
export interface Price {
/**
 * Whose model.
 */
provider: ("codex" | "claude")
/**
 * The model's name, exactly.
 */
model: string
/**
 * The first day (UTC) on which the price holds.
 */
from: string
input: Usd
cached_input?: Usd
cache_write?: Usd
output: Usd
}
