/**
 * The conditions of a repository and their reasons, after Kubernetes' conventions. `Reconciling`, `Stalled`
 * and `ApprovalBypassed` say that something is amiss, so they are there only while True.
 */
const CONDITION_REASONS = {
  Ready: [
    'Applied',
    'Progressing',
    'Suspended',
    'SourceStale',
    'Stalled',
    'SourceNotReady',
    'ConfigInvalid',
    'PolicyViolation',
    'SandboxUnavailable',
  ],
  Reconciling: ['Progressing', 'ProgressingWithRetry', 'NewRevision'],
  Stalled: [
    'ConfigInvalid',
    'PolicyViolation',
    'ConfigUnreviewed',
    'PruneNeedsConfirmation',
    'AccessDenied',
    'ConfigNotFound',
  ],
  SourceReady: [
    'Fetched',
    'ConfigNotFound',
    'BranchNotFound',
    'ProjectNotFound',
    'Unauthorized',
    'RateLimited',
    'Unreachable',
    'TooLarge',
  ],
  ConfigValid: [
    'Valid',
    'ValidWithWarnings',
    'ParseError',
    'SchemaError',
    'SemanticError',
    'UnsupportedVersion',
  ],
  PolicyCompliant: ['Compliant', 'Clamped', 'Violation'],
  Healthy: ['Healthy', 'Degraded', 'BudgetExhausted', 'ProviderUnavailable', 'BreakerOpen'],
  WebhookHealthy: ['Receiving', 'NoRecentEvents', 'DisabledByGitLab', 'NotInstalled'],
  ApprovalBypassed: ['MergedBelowRule'],
  SandboxAvailable: ['Strict', 'Degraded', 'Off', 'ProbeFailed'],
} as const;

export type ConditionType = keyof typeof CONDITION_REASONS;

type ConditionStatus = 'True' | 'False' | 'Unknown';

/** One condition with a reason that its type has. */
export type ConditionUpdate = {
  [Type in ConditionType]: {
    readonly type: Type;
    readonly status: ConditionStatus;
    readonly reason: (typeof CONDITION_REASONS)[Type][number];
    readonly message: string;
    /** The commit that was looked at; undefined before there was one. */
    readonly observedRevision?: string;
  };
}[ConditionType];

export type Condition = ConditionUpdate & {
  /** When `status` last changed, epoch milliseconds. */
  readonly lastTransitionTime: number;
};

const ONLY_WHILE_TRUE: ReadonlySet<ConditionType> = new Set([
  'Reconciling',
  'Stalled',
  'ApprovalBypassed',
]);

/** A source that cannot be read for now; what was read last stays good until it is stale. */
const TRANSIENT: ReadonlySet<string> = new Set(['Unauthorized', 'RateLimited', 'Unreachable']);

/**
 * The list with one condition set. The time of the last transition moves only when the status does, so that
 * it says for how long things have been so. A condition that is there only while True is taken out otherwise.
 */
export function setCondition(
  list: readonly Condition[],
  update: ConditionUpdate,
  now: number,
): Condition[] {
  if (ONLY_WHILE_TRUE.has(update.type) && update.status !== 'True') {
    return clearCondition(list, update.type);
  }
  const index = list.findIndex(({ type }) => type === update.type);
  const before = list[index];
  const lastTransitionTime = before?.status === update.status ? before.lastTransitionTime : now;
  const condition: Condition = { ...update, lastTransitionTime };
  return before === undefined ? [...list, condition] : list.with(index, condition);
}

export function clearCondition(list: readonly Condition[], type: ConditionType): Condition[] {
  return list.filter((condition) => condition.type !== type);
}

export function findCondition(
  list: readonly Condition[],
  type: ConditionType,
): Condition | undefined {
  return list.find((condition) => condition.type === type);
}

type ReadyUpdate = Extract<ConditionUpdate, { type: 'Ready' }>;

/**
 * What `Ready` must say, by fixed precedence: Stalled, then the source, the config, the policy, the sandbox,
 * then Reconciling. A source that cannot be read for now leaves Ready as it is until `stale`. Health and
 * webhooks do not count: what was merged is in force without them.
 */
export function summarizeReady(
  list: readonly Condition[],
  { revision, stale }: { revision: string | undefined; stale: boolean },
): ReadyUpdate {
  const ready = (
    status: ConditionStatus,
    reason: ReadyUpdate['reason'],
    message: string,
  ): ReadyUpdate => ({
    type: 'Ready',
    status,
    reason,
    message,
    ...(revision !== undefined && { observedRevision: revision }),
  });

  const failing = (
    [
      ['Stalled', 'True', 'Stalled'],
      ['SourceReady', 'False', 'SourceNotReady'],
      ['ConfigValid', 'False', 'ConfigInvalid'],
      ['PolicyCompliant', 'False', 'PolicyViolation'],
      ['SandboxAvailable', 'False', 'SandboxUnavailable'],
    ] as const
  ).flatMap(([type, status, reason]) => {
    const condition = findCondition(list, type);
    const counts = condition?.status === status && !TRANSIENT.has(condition.reason);
    return counts ? [ready('False', reason, condition.message)] : [];
  })[0];
  if (failing !== undefined) {
    return failing;
  }

  const reconciling = findCondition(list, 'Reconciling');
  if (reconciling !== undefined) {
    return ready('Unknown', 'Progressing', reconciling.message);
  }
  if (stale) {
    const why = findCondition(list, 'SourceReady')?.message ?? 'The source was not read for long.';
    return ready('Unknown', 'SourceStale', why);
  }
  return ready('True', 'Applied', `Revision ${revision?.slice(0, 12) ?? 'none'} is in force.`);
}

/**
 * What is wrong with a list of conditions after a pass, as sentences; empty when nothing is. The rules are
 * those of fluxcd's condition checker; every test of the reconciler runs it.
 */
export function conditionProblems(list: readonly Condition[]): string[] {
  const problems: string[] = [];
  const types = list.map(({ type }) => type);
  const ready = findCondition(list, 'Ready');
  const isTrue = (type: ConditionType): boolean => findCondition(list, type)?.status === 'True';

  if (new Set(types).size < types.length) {
    problems.push('a type is there twice');
  }
  if (ready === undefined) {
    problems.push('Ready is missing');
  }
  if (isTrue('Reconciling') && isTrue('Stalled')) {
    problems.push('Reconciling and Stalled exclude each other');
  }
  for (const type of ['Reconciling', 'Stalled'] as const) {
    if (isTrue(type) && ready?.status === 'True') {
      problems.push(`Ready is True while ${type} is True`);
    }
  }
  if (isTrue('Stalled') && ready !== undefined && ready.status !== 'False') {
    problems.push('Stalled is True, so Ready must be False');
  }
  if (ready?.status === 'Unknown' && !isTrue('Reconciling') && ready.reason !== 'SourceStale') {
    problems.push('Ready is Unknown although nothing is under way');
  }
  for (const { type, status, reason, observedRevision } of list) {
    if (ONLY_WHILE_TRUE.has(type) && status !== 'True') {
      problems.push(`${type} is kept although it is ${status}`);
    }
    if (!(CONDITION_REASONS[type] as readonly string[]).includes(reason)) {
      problems.push(`${type} has no reason ${reason}`);
    }
    const judges = type === 'ConfigValid' || type === 'PolicyCompliant';
    if (judges && ready?.status === 'True' && observedRevision !== ready.observedRevision) {
      problems.push(`${type} was judged at another revision than Ready`);
    }
  }
  return problems;
}
