/** The contract between Auto-Dev and a `command` agent: a task comes in, outputs go out. */
import { appendFileSync, readFileSync } from 'node:fs';

/** `{ job, agent, role, repo, base, title, task, instructions, memory, subject, trigger }` */
export function readTask() {
  return JSON.parse(readFileSync(process.env.AUTODEV_TASK_FILE, 'utf8'));
}

/** One output is one line of JSON. What an agent may write is its `allow` in autodev.yaml. */
export function write(output) {
  appendFileSync(process.env.AUTODEV_OUTPUTS, `${JSON.stringify(output)}\n`);
}

/** What is printed becomes the transcript of the attempt. */
export function say(text) {
  console.log(text);
}

/** Goes into everything these agents publish, so that nobody takes them for more than they are. */
export const SIGNATURE = '_Written by a script of this demo repository; no model was involved._';
