import { distance } from 'fastest-levenshtein';

/** What people write for a key, by what it is called here. A dot leads into a mapping. */
const KEY_SYNONYMS: Readonly<Record<string, readonly string[]>> = {
  'limits.wall': ['timeout', 'max_time', 'time_limit', 'deadline'],
  'limits.tokens': ['max_tokens', 'token_limit'],
  'limits.usd': ['max_usd', 'max_cost', 'cost', 'cost_limit', 'max_budget'],
  'limits.turns': ['max_turns', 'max_iterations'],
  'limits.attempts': ['retries', 'max_retries', 'max_attempts', 'retry'],
  'limits.memory': ['memory_limit', 'max_memory', 'ram'],
  task: ['prompt', 'instruction', 'description', 'message', 'do'],
  event: ['on', 'events', 'trigger', 'when'],
  cron: ['every', 'interval', 'schedule', 'at'],
  where: ['if', 'filter', 'only', 'match', 'labels', 'label'],
  providers: ['model', 'models', 'llm', 'engine', 'provider'],
  model: ['models', 'engine'],
  users: ['approvers', 'people', 'members', 'reviewers'],
  approvals: ['min_approvals', 'minimum', 'required', 'count', 'rules', 'gates'],
  run: ['command', 'cmd', 'script', 'exec'],
  check: ['test', 'tests', 'verify', 'checks'],
  setup: ['install', 'before', 'before_script', 'prepare'],
  instructions: ['system', 'system_prompt', 'prompt', 'persona'],
  concurrency: ['parallel', 'max_parallel', 'replicas', 'workers'],
  enabled: ['disabled', 'active', 'suspend', 'paused'],
  timezone: ['tz', 'time_zone', 'zone'],
  per: ['period', 'window', 'every'],
  usd: ['dollars', 'money', 'amount', 'cost', 'limit', 'max'],
  tokens: ['max_tokens', 'token_limit'],
  env: ['environment', 'variables', 'vars'],
  allow: ['permissions', 'can', 'outputs'],
  paths: ['files', 'globs', 'include'],
  from: ['role', 'by', 'min_role'],
  agent: ['role', 'type', 'worker'],
  name: ['provider', 'type'],
  until: ['end', 'ends', 'expires'],
  scope: ['agent', 'for'],
  file: ['path'],
};

const VALUE_SYNONYMS: Readonly<Record<string, readonly string[]>> = {
  codex: ['openai', 'gpt', 'chatgpt'],
  claude: ['anthropic', 'claude-code', 'sonnet', 'opus'],
  command: ['script', 'shell', 'exec'],
  builder: ['developer', 'dev', 'coder', 'engineer', 'programmer'],
  tester: ['qa', 'test', 'quality'],
  pm: ['product', 'product-manager', 'manager', 'planner'],
  devops: ['ops', 'sre', 'ci'],
  security: ['sec', 'audit', 'auditor'],
  'bug-finder': ['bugs', 'finder', 'debugger', 'bug_finder'],
  day: ['daily', '1d', '24h'],
  hour: ['hourly', '1h'],
  week: ['weekly', '7d'],
  month: ['monthly', '30d'],
  staged: ['dry_run', 'dry-run', 'dryrun', 'preview', 'shadow'],
  auto: ['automatic', 'true'],
  human: ['manual', 'false'],
  queue: ['allow', 'wait'],
  owner: ['admin'],
  developer: ['member', 'write'],
  pipeline: ['ci', 'gitlab'],
  merge_request_opened: ['pull_request', 'merge_request', 'mr_opened', 'pr_opened'],
  issue_labeled: ['label', 'labeled', 'issue_labelled'],
  issue_opened: ['issue', 'issue_created'],
  pipeline_failed: ['pipeline', 'ci_failed', 'build_failed'],
  mention: ['mentioned'],
  push: ['commit'],
  tag_push: ['tag'],
};

/**
 * What somebody meant: a synonym, or the nearest spelling. A key's synonym may lead into a mapping
 * (`timeout` → `limits.wall`) where that mapping is one of the keys that are known.
 */
export function suggestKey(written: string, known: readonly string[]): string | undefined {
  return (
    findSynonym(KEY_SYNONYMS, written, (key) => known.includes(key.split('.')[0] ?? key)) ??
    nearest(written, known)
  );
}

export function suggestValue(written: string, known: readonly string[]): string | undefined {
  return (
    findSynonym(VALUE_SYNONYMS, written, (value) => known.includes(value)) ??
    nearest(written, known)
  );
}

function findSynonym(
  synonyms: Readonly<Record<string, readonly string[]>>,
  written: string,
  isKnown: (meant: string) => boolean,
): string | undefined {
  const text = written.toLowerCase();
  return Object.keys(synonyms).find((meant) => isKnown(meant) && synonyms[meant]?.includes(text));
}

/** At most a third of the letters may differ, and never more than three. */
function nearest(written: string, known: readonly string[]): string | undefined {
  const plain = written.toLowerCase().replaceAll('-', '_');
  const limit = Math.min(3, Math.max(1, Math.floor(written.length / 3)));
  return known
    .map((name) => ({ name, steps: distance(plain, name.toLowerCase().replaceAll('-', '_')) }))
    .filter(({ steps }) => steps <= limit)
    .sort((a, b) => a.steps - b.steps)[0]?.name;
}
