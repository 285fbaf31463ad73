import type { Agent } from './agent.ts';

/** One line of a worker's `outputs.jsonl`, after the schema has seen it; config-schema/outputs.schema.json. */
export type Output =
  | { readonly type: 'merge_request'; readonly title: string; readonly description: string }
  | {
      readonly type: 'review';
      readonly verdict: 'comment' | 'request_changes';
      readonly summary: string;
      readonly comments?: readonly ReviewComment[];
    }
  | {
      readonly type: 'comment';
      readonly body: string;
      /** `subject` (the default), `issue:N` or `merge_request:N`. */
      readonly target?: string;
    }
  | {
      readonly type: 'issue';
      readonly title: string;
      readonly description: string;
      readonly labels?: readonly string[];
    }
  | {
      readonly type: 'hand_off';
      readonly agent: Agent;
      readonly title: string;
      readonly task: string;
      /** Undefined: the same repository. */
      readonly repo?: string;
    }
  | {
      readonly type: 'memory';
      readonly kind: 'fact' | 'decision' | 'convention' | 'pitfall';
      readonly text: string;
    }
  | { readonly type: 'question'; readonly text: string }
  | { readonly type: 'noop'; readonly reason: string };

interface ReviewComment {
  readonly path: string;
  /** In the new version, from 1. */
  readonly line: number;
  readonly body: string;
}
