import { isAgent } from '../domain/agent.ts';
import type { Agent } from '../domain/agent.ts';
import type { RepoSpec } from '../domain/spec.ts';
import type { AutodevConfig, Provider } from './autodev.generated.ts';
import type { Diagnostic, DocumentPath } from './diagnostics.ts';
import { listAgents } from './resolve.ts';
import type { SourceDocument } from './source-document.ts';

/** Every agent that is named is listed, and something can start it; every provider says all that it needs. */
export async function checkAgents(
  document: SourceDocument,
  config: AutodevConfig,
  spec: RepoSpec,
): Promise<Diagnostic[]> {
  const references: Diagnostic[] = [];
  for (const reference of listReferences(config)) {
    references.push(
      ...(spec.agents[reference.agent] === undefined
        ? [await notListed(document, spec, reference)]
        : checkDisabled(document, spec, reference)),
    );
  }
  return [
    ...references,
    ...neverStarted(document, config, spec),
    ...listProviders(config).flatMap(({ provider, path }) =>
      checkProvider(document, provider, path),
    ),
  ];
}

interface Reference {
  readonly agent: string;
  readonly path: DocumentPath;
  /** Whether the reference is there to start the agent: one that is disabled is then worth a word. */
  readonly starts: boolean;
}

function listReferences(config: AutodevConfig): Reference[] {
  const found: Reference[] = [];
  const each = (agents: string | readonly string[], path: DocumentPath, starts: boolean): void => {
    if (typeof agents === 'string') {
      found.push({ agent: agents, path, starts });
    } else {
      agents.forEach((agent, i) => found.push({ agent, path: [...path, i], starts }));
    }
  };
  for (const [agent, { allow }] of listAgents(config)) {
    const path = ['agents', agent, 'allow', 'hand_off'];
    if (Array.isArray(allow?.hand_off)) {
      each(allow.hand_off, path, true);
    } else if (typeof allow?.hand_off === 'object') {
      each(allow.hand_off.agents ?? [], [...path, 'agents'], true);
    }
  }
  for (const section of ['schedules', 'triggers'] as const) {
    for (const [name, object] of Object.entries(config[section] ?? {})) {
      each(object?.agent ?? [], [section, name, 'agent'], object?.enabled ?? true);
    }
  }
  for (const [name, trigger] of Object.entries(config.triggers ?? {})) {
    each(trigger?.where?.agent ?? [], ['triggers', name, 'where', 'agent'], false);
  }
  for (const [name, budget] of Object.entries(config.budgets ?? {})) {
    const scope = budget?.scope ?? 'repo';
    each(scope === 'repo' ? [] : scope, ['budgets', name, 'scope'], false);
  }
  for (const [name, rule] of Object.entries(config.approvals ?? {})) {
    each(rule?.agents ?? [], ['approvals', name, 'agents'], false);
  }
  return found;
}

async function notListed(
  document: SourceDocument,
  spec: RepoSpec,
  { agent, path }: Reference,
): Promise<Diagnostic> {
  // Only a name that nobody knows has to wait for what finds the nearest.
  const { suggestValue } = await import('./suggest.ts');
  const meant = isAgent(agent) ? undefined : suggestValue(agent, Object.keys(spec.agents));
  return document.diagnose(path, {
    code: 'agent_not_listed',
    message: `The agent \`${agent}\` is not listed under \`agents\`.`,
    remedy:
      meant === undefined
        ? `Add \`${agent}: {}\` under \`agents\`, or name one that is there.`
        : `Did you mean \`${meant}\`?`,
    ...(meant === undefined ? {} : { corrected: { replace: agent, by: meant } }),
  });
}

function checkDisabled(
  document: SourceDocument,
  spec: RepoSpec,
  { agent, path, starts }: Reference,
): Diagnostic[] {
  return spec.agents[agent]?.enabled === true || !starts
    ? []
    : [
        document.diagnose(path, {
          severity: 'warning',
          code: 'agent_disabled',
          message: `The agent \`${agent}\` is disabled: this starts nothing.`,
          remedy: `Remove \`enabled: false\` from \`agents.${agent}\`, or set it here as well.`,
        }),
      ];
}

function neverStarted(
  document: SourceDocument,
  config: AutodevConfig,
  spec: RepoSpec,
): Diagnostic[] {
  const started = new Set<string>();
  for (const object of [...Object.values(spec.schedules), ...Object.values(spec.triggers)]) {
    if (object.enabled) {
      started.add(object.agent);
    }
  }
  for (const [name, agent] of Object.entries(spec.agents)) {
    for (const next of agent.enabled ? (agent.allow.hand_off?.agents ?? []) : []) {
      if (next !== name) {
        started.add(next);
      }
    }
  }
  return listAgents(config)
    .filter(([agent]) => spec.agents[agent]?.enabled === true && !started.has(agent))
    .map(([agent]) =>
      document.diagnose(
        agentPath(config, agent),
        {
          severity: 'warning',
          code: 'agent_never_started',
          message: `Nothing starts the agent \`${agent}\`: no schedule, no trigger, no other agent's hand_off.`,
          remedy: `Add a schedule or a trigger for it; until then only \`autodev run\` starts it.`,
        },
        'key',
      ),
    );
}

function agentPath({ agents }: AutodevConfig, agent: Agent): DocumentPath {
  return ['agents', Array.isArray(agents) ? agents.indexOf(agent) : agent];
}

function listProviders(config: AutodevConfig): { provider: Provider; path: DocumentPath }[] {
  const lists: [readonly Provider[] | undefined, DocumentPath][] = [
    [config.providers, ['providers']],
    ...listAgents(config).map(
      ([agent, { providers }]): [readonly Provider[] | undefined, DocumentPath] => [
        providers,
        ['agents', agent, 'providers'],
      ],
    ),
    ...(['schedules', 'triggers'] as const).flatMap((section) =>
      Object.entries(config[section] ?? {}).map(
        ([name, object]): [readonly Provider[] | undefined, DocumentPath] => [
          object?.with?.providers,
          [section, name, 'with', 'providers'],
        ],
      ),
    ),
  ];
  return lists.flatMap(([providers, path]) =>
    (providers ?? []).map((provider, i) => ({ provider, path: [...path, i] })),
  );
}

function checkProvider(
  document: SourceDocument,
  provider: Provider,
  path: DocumentPath,
): Diagnostic[] {
  if (typeof provider === 'string') {
    return [];
  }
  const incomplete = (key: string, message: string, remedy: string): Diagnostic =>
    document.diagnose([...path, key], { code: 'provider_incomplete', message, remedy }, 'key');
  if (provider.name === 'command') {
    return [
      ...(provider.run === undefined
        ? [
            incomplete(
              'name',
              'A `command` provider needs the program to run.',
              'Add `run: [node, .autodev/agent.mjs]`.',
            ),
          ]
        : []),
      ...(provider.model === undefined
        ? []
        : [incomplete('model', 'A `command` provider has no model.', 'Remove `model`.')]),
    ];
  }
  return (['run', 'llm'] as const)
    .filter((key) => provider[key] !== undefined)
    .map((key) =>
      incomplete(key, `\`${key}\` is for \`command\` alone.`, 'Remove it, or use `name: command`.'),
    );
}
