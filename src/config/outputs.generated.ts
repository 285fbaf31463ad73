// Generated from config-schema/outputs.schema.json by config-schema/generate.ts: do not edit.

/**
 * One line of `outputs.jsonl`: something that a worker asks for. A file holds at most 200 lines and 1 MiB.
 */
export type Output = (MergeRequestOutput | ReviewOutput | CommentOutput | IssueOutput | HandOffOutput | MemoryOutput | QuestionOutput | NoopOutput)
export type Title = string
export type Body = string

/**
 * Opens a merge request with everything that the worker changed.
 */
export interface MergeRequestOutput {
/**
 * The kind of output.
 */
type: "merge_request"
title: Title
description: Body
}
/**
 * Reviews the merge request that the job is about. An agent never approves.
 */
export interface ReviewOutput {
/**
 * The kind of output.
 */
type: "review"
/**
 * `comment`, or `request_changes`.
 */
verdict: ("comment" | "request_changes")
summary: Body
/**
 * Comments on lines of the change.
 * 
 * @maxItems 50
 */
comments?: ReviewComment[]
}
export interface ReviewComment {
/**
 * The file, from the top of the repository.
 */
path: string
/**
 * The line in the new version, from 1.
 */
line: number
body: Body
}
/**
 * Comments on an issue or a merge request.
 */
export interface CommentOutput {
/**
 * The kind of output.
 */
type: "comment"
body: Body
/**
 * `subject` (what the job is about), `issue:N` or `merge_request:N`.
 */
target?: string
}
/**
 * Opens an issue.
 */
export interface IssueOutput {
/**
 * The kind of output.
 */
type: "issue"
title: Title
description: Body
/**
 * Labels to set.
 * 
 * @maxItems 20
 */
labels?: string[]
}
/**
 * Hands a task to another agent.
 */
export interface HandOffOutput {
/**
 * The kind of output.
 */
type: "hand_off"
/**
 * Who gets it.
 */
agent: ("pm" | "architect" | "builder" | "reviewer" | "tester" | "security" | "devops" | "bug-finder")
title: Title
/**
 * What to do, complete in itself.
 */
task: string
/**
 * Another repository, by path.
 */
repo?: string
}
/**
 * Proposes something to remember about the repository; it counts when the work is merged.
 */
export interface MemoryOutput {
/**
 * The kind of output.
 */
type: "memory"
/**
 * What sort of thing it is.
 */
kind: ("fact" | "decision" | "convention" | "pitfall")
/**
 * The text, kept word for word.
 */
text: string
}
/**
 * Asks people; the job waits for the answer and goes on with it.
 */
export interface QuestionOutput {
/**
 * The kind of output.
 */
type: "question"
/**
 * One question that a person can answer in a sentence.
 */
text: string
}
/**
 * Says that there is nothing to do, and why.
 */
export interface NoopOutput {
/**
 * The kind of output.
 */
type: "noop"
/**
 * Why.
 */
reason: string
}
