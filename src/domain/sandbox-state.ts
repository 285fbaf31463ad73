import type { ConditionUpdate } from './conditions.ts';

/** How an active runner keeps its workers. */
export interface RunnerBox {
  /** `strict`, `auto` or `off`, as it was started. */
  readonly mode: string;
  readonly protected: boolean;
  /** Why not. */
  readonly reason?: string;
}

type SandboxUpdate = Extract<ConditionUpdate, { type: 'SandboxAvailable' }>;

/**
 * What holds for the fleet, as a repository's condition: one runner without a box is enough to lose the promise,
 * because any of them may claim the next job. Undefined when no runner is active, so nothing is known.
 */
export function sandboxCondition(runners: readonly RunnerBox[]): SandboxUpdate | undefined {
  const unprotected = runners.filter((runner) => !runner.protected);
  const [worst] = unprotected.toSorted((a, b) => weight(b) - weight(a));
  if (worst === undefined) {
    const message = 'Every worker is kept in a box.';
    return runners.length === 0
      ? undefined
      : { type: 'SandboxAvailable', status: 'True', reason: 'Strict', message };
  }
  return {
    type: 'SandboxAvailable',
    status: 'False',
    reason: reasonOf(worst),
    message: `Workers are not kept in a box: ${worst.reason ?? 'no reason was given'}`,
  };
}

function reasonOf({ mode }: RunnerBox): 'Degraded' | 'Off' | 'ProbeFailed' {
  if (mode === 'strict') {
    return 'ProbeFailed';
  }
  return mode === 'off' ? 'Off' : 'Degraded';
}

/** Of several, the one that people must act on first. */
function weight(box: RunnerBox): number {
  return ['Off', 'Degraded', 'ProbeFailed'].indexOf(reasonOf(box));
}
