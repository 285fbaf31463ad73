import { readFile } from 'node:fs/promises';
import path from 'node:path';

import { expect, test } from 'vitest';

import type { DiagnosticCode } from './diagnostics.ts';
import { loadConfig } from './load.ts';

/** A valid beginning of three lines; what a case adds stands from line 4 on. */
const HEAD = 'version: 1\nagents:\n  builder: {}\n';
const TRIGGER = 'triggers:\n  t:\n    agent: builder\n    event: push\n';

interface Case {
  code: DiagnosticCode;
  at: string;
  text: string;
  corrected?: string;
  /** What the remedy must say. */
  remedy?: RegExp;
  path?: string;
}

const CASES: Case[] = [
  // What YAML reads otherwise than it was meant.
  {
    code: 'unquoted_braces',
    at: '8:11',
    text: `${HEAD}${TRIGGER}    task: {{issue.title}}\n`,
    path: 'triggers.t.task',
    corrected: '    task: "{{issue.title}}"',
  },
  {
    code: 'unquoted_braces',
    at: '8:11',
    text: `${HEAD}${TRIGGER}    task: {{a}} and {{b}}\n`,
    corrected: '    task: "{{a}} and {{b}}"',
  },
  {
    code: 'unquoted_braces',
    at: '5:43',
    text: `${HEAD}triggers:\n  t: { agent: builder, event: push, task: Do {{issue.title}} }\n`,
    corrected: '  t: { agent: builder, event: push, task: "Do {{issue.title}}" }',
  },
  {
    code: 'unquoted_star',
    at: '6:11',
    text: `${HEAD}schedules:\n  n:\n    cron: */5 * * * *\n    agent: builder\n`,
    corrected: '    cron: "*/5 * * * *"',
  },
  {
    code: 'unquoted_star',
    at: '5:30',
    text: `${HEAD}schedules:\n  n: { agent: builder, cron: * 2 * * * }\n`,
    corrected: '  n: { agent: builder, cron: "* 2 * * *" }',
  },
  {
    code: 'unquoted_star',
    at: '3:22',
    text: 'version: 1\nagents:\n  builder: { paths: [*.ts, src] }\n',
    path: 'agents.builder.paths.0',
    corrected: '  builder: { paths: ["*.ts", src] }',
  },
  {
    code: 'unquoted_star',
    at: '5:9',
    text: 'version: 1\nagents:\n  builder:\n    paths:\n      - **/*.ts\n',
    corrected: '      - "**/*.ts"',
  },
  {
    code: 'unquoted_at',
    at: '5:16',
    text: `${HEAD}approvals:\n  d: { users: [@lead, other] }\n`,
    corrected: '  d: { users: ["@lead", other] }',
  },
  {
    code: 'unquoted_at',
    at: '7:9',
    text: `${HEAD}approvals:\n  d:\n    users:\n      - @lead # leads\n`,
    corrected: '      - "@lead" # leads',
  },
  {
    code: 'unquoted_bang',
    at: '5:9',
    text: 'version: 1\nagents:\n  builder:\n    paths:\n      - !src/**\n',
    corrected: '      - "!src/**"',
  },
  {
    code: 'unquoted_hash',
    at: '9:14',
    text: `${HEAD}${TRIGGER}    where:\n      label: #autodev\n`,
    path: 'triggers.t.where.label',
    corrected: '      label: "#autodev"',
  },
  {
    code: 'unquoted_colon',
    at: '8:11',
    text: `${HEAD}${TRIGGER}    task: Fix this: now\n`,
    corrected: '    task: "Fix this: now"',
  },
  {
    code: 'unquoted_colon',
    at: '5:43',
    text: `${HEAD}triggers:\n  t: { agent: builder, event: push, task: Fix this: now }\n`,
    corrected: '  t: { agent: builder, event: push, task: "Fix this: now" }',
  },
  {
    code: 'number_for_name',
    at: '8:19',
    text: `${HEAD}${TRIGGER}    where: { ref: 1.10 }\n`,
    path: 'triggers.t.where.ref',
    corrected: '    where: { ref: "1.10" }',
  },
  {
    code: 'number_for_name',
    at: '3:25',
    text: 'version: 1\nagents:\n  builder: { env: { CI: 1 } }\n',
    corrected: '  builder: { env: { CI: "1" } }',
  },
  {
    code: 'number_for_name',
    at: '5:3',
    text: `${HEAD}budgets:\n  1e3: { usd: 5, per: day }\n`,
    corrected: '  "1e3": { usd: 5, per: day }',
  },
  {
    code: 'empty_value',
    at: '3:3',
    text: 'version: 1\nagents:\n  builder:\n',
    path: 'agents.builder',
    corrected: '  builder: {}',
  },
  // Syntax.
  {
    code: 'duplicate_key',
    at: '4:3',
    text: `${HEAD}  builder: {}\n`,
    path: 'agents.builder',
    remedy: /Remove one/,
  },
  {
    code: 'tab_indentation',
    at: '3:1',
    text: 'version: 1\nagents:\n\tbuilder: {}\n',
    corrected: '  builder: {}',
  },
  { code: 'several_documents', at: '4:1', text: `${HEAD}---\nversion: 1\n`, remedy: /---/ },
  { code: 'merge_key', at: '4:3', text: `${HEAD}  <<: { pm: {} }\n`, remedy: /Write the keys out/ },
  { code: 'forbidden_key', at: '4:1', text: `${HEAD}__proto__: {}\n`, remedy: /Remove/ },
  { code: 'forbidden_key', at: '1:1', text: `%YAML 1.1\n---\n${HEAD}`, remedy: /%/ },
  {
    code: 'yaml_warning',
    at: '4:11',
    text: `${HEAD}timezone: !!js/function "x"\n`,
    remedy: /Remove the tag/,
  },
  { code: 'yaml_syntax', at: '5:1', text: `${HEAD}timezone: "UTC\n`, remedy: /quote/ },
  {
    code: 'alias_limit',
    at: '1:1',
    text: `${HEAD}extends: &a [x]\ntimezone: [${Array.from({ length: 200 }, () => '*a').join(', ')}]\n`,
    remedy: /Write the values out/,
  },
  { code: 'control_character', at: '4:5', text: `${HEAD}# a \u202E b\n`, remedy: /Remove/ },
  { code: 'empty_file', at: '1:1', text: '', remedy: /autodev init/ },
  { code: 'empty_file', at: '1:1', text: '# nothing yet\n', remedy: /autodev init/ },
  { code: 'not_a_mapping', at: '1:1', text: 'hello\n', remedy: /version: 1/ },
  { code: 'not_a_mapping', at: '1:1', text: '- version: 1\n', remedy: /version: 1/ },
  { code: 'not_a_mapping', at: '1:1', text: 'null\n', remedy: /version: 1/ },
  // What the schema says.
  {
    code: 'unknown_key',
    at: '3:14',
    text: 'version: 1\nagents:\n  builder: { timeout: 30m }\n',
    corrected: '  builder: { limits: { wall: 30m } }',
    remedy: /limits\.wall/,
  },
  {
    code: 'unknown_key',
    at: '8:5',
    text: `${HEAD}${TRIGGER}    prompt: Do it.\n`,
    corrected: '    task: Do it.',
    remedy: /`task`/,
  },
  {
    code: 'unknown_key',
    at: '5:24',
    text: `${HEAD}triggers:\n  t: { agent: builder, on: push }\n`,
    corrected: '  t: { agent: builder, event: push }',
    remedy: /`event`/,
  },
  {
    code: 'unknown_key',
    at: '3:14',
    text: 'version: 1\nagents:\n  builder: { model: claude-opus-4-6 }\n',
    corrected: '  builder: { providers: [{ name: claude, model: claude-opus-4-6 }] }',
    remedy: /`providers`/,
  },
  {
    code: 'unknown_key',
    at: '5:8',
    text: `${HEAD}approvals:\n  d: { approvers: [lead] }\n`,
    corrected: '  d: { users: [lead] }',
    remedy: /`users`/,
  },
  {
    code: 'unknown_key',
    at: '3:14',
    text: 'version: 1\nagents:\n  builder: { max_tokens: 9k }\n',
    corrected: '  builder: { limits: { tokens: 9k } }',
    remedy: /limits\.tokens/,
  },
  {
    code: 'unknown_key',
    at: '4:1',
    text: `${HEAD}scedules: {}\n`,
    corrected: 'schedules: {}',
    remedy: /`schedules`/,
  },
  {
    code: 'unknown_value',
    at: '4:7',
    text: `${HEAD}mode: dry_run\n`,
    corrected: 'mode: staged',
    remedy: /`staged`/,
  },
  {
    code: 'unknown_value',
    at: '4:13',
    text: `${HEAD}providers: [openai]\n`,
    corrected: 'providers: [codex]',
    remedy: /`codex`/,
  },
  {
    code: 'unknown_value',
    at: '2:10',
    text: 'version: 1\nagents: [buidler]\n',
    corrected: 'agents: [builder]',
    remedy: /`builder`/,
  },
  {
    code: 'missing_key',
    at: '5:3',
    text: `${HEAD}triggers:\n  t: { agent: builder }\n`,
    path: 'triggers.t',
    remedy: /event: issue_labeled/,
  },
  {
    code: 'wrong_type',
    at: '3:21',
    text: 'version: 1\nagents:\n  builder: { setup: npm ci }\n',
    corrected: '  builder: { setup: [npm ci] }',
  },
  {
    code: 'invalid_name',
    at: '5:3',
    text: `${HEAD}budgets:\n  My Budget: { usd: 5, per: day }\n`,
    corrected: '  my-budget: { usd: 5, per: day }',
  },
  {
    code: 'invalid_value',
    at: '3:36',
    text: 'version: 1\nagents:\n  builder: { instructions: { file: /a.md } }\n',
    corrected: '  builder: { instructions: { file: a.md } }',
  },
  {
    code: 'invalid_quantity',
    at: '3:32',
    text: 'version: 1\nagents:\n  builder: { limits: { tokens: 4x } }\n'.replace(
      'tokens: 4x',
      'tokens: 4x',
    ),
    remedy: /400k/,
  },
  {
    code: 'missing_unit',
    at: '3:30',
    text: 'version: 1\nagents:\n  builder: { limits: { wall: 45 } }\n',
    corrected: '  builder: { limits: { wall: 45m } }',
  },
  {
    code: 'out_of_range',
    at: '3:30',
    text: 'version: 1\nagents:\n  builder: { limits: { wall: 90d } }\n',
    corrected: '  builder: { limits: { wall: 24h } }',
  },
  {
    code: 'out_of_range',
    at: '3:27',
    text: 'version: 1\nagents:\n  builder: { concurrency: 0 }\n',
    remedy: /value like 2/,
  },
  {
    code: 'duplicate_item',
    at: '2:9',
    text: 'version: 1\nagents: [pm, pm]\n',
    remedy: /Remove one/,
  },
  {
    code: 'unsupported_version',
    at: '1:10',
    text: 'version: 2\nagents: [pm]\n',
    corrected: 'version: 1',
  },
  // What only the whole file says.
  {
    code: 'invalid_cron',
    at: '5:30',
    text: `${HEAD}schedules:\n  n: { agent: builder, cron: "0 0 2 * * *" }\n`,
    corrected: '  n: { agent: builder, cron: "0 2 * * *" }',
  },
  {
    code: 'invalid_cron',
    at: '5:30',
    text: `${HEAD}schedules:\n  n: { agent: builder, cron: "@daily" }\n`,
    corrected: '  n: { agent: builder, cron: "0 0 * * *" }',
  },
  {
    code: 'invalid_cron',
    at: '5:30',
    text: `${HEAD}schedules:\n  n: { agent: builder, cron: "61 * * * *" }\n`,
    remedy: /minute, hour/,
  },
  {
    code: 'cron_never',
    at: '5:30',
    text: `${HEAD}schedules:\n  n: { agent: builder, cron: "0 0 31 2 *" }\n`,
    remedy: /month/,
  },
  {
    code: 'interval_too_short',
    at: '5:30',
    text: `${HEAD}schedules:\n  n: { agent: builder, cron: "* * * * *" }\n`,
    corrected: '  n: { agent: builder, cron: "*/5 * * * *" }',
  },
  {
    code: 'invalid_timezone',
    at: '4:11',
    text: `${HEAD}timezone: Berlin\n`,
    corrected: 'timezone: Europe/Berlin',
  },
  {
    code: 'invalid_date',
    at: '5:50',
    text: `${HEAD}schedules:\n  n: { agent: builder, cron: "0 2 * * *", until: 2026-02-30 }\n`,
    remedy: /2027-03-01/,
  },
  {
    code: 'file_not_found',
    at: '3:36',
    text: 'version: 1\nagents:\n  builder: { instructions: { file: gone.md } }\n',
    remedy: /Commit gone\.md/,
  },
  {
    code: 'file_too_large',
    at: '3:36',
    text: 'version: 1\nagents:\n  builder: { instructions: { file: large.md } }\n',
    remedy: /Shorten/,
  },
  {
    code: 'agent_not_listed',
    at: '5:15',
    text: `${HEAD}schedules:\n  n: { agent: tester, cron: "0 2 * * *" }\n`,
    remedy: /Add `tester: \{\}`/,
  },
  {
    code: 'agent_not_listed',
    at: '4:41',
    text: 'version: 1\nagents:\n  pm: {}\n  bug-finder: { allow: { hand_off: [pm, tester] } }\n',
    remedy: /tester/,
  },
  {
    code: 'provider_incomplete',
    at: '4:15',
    text: `${HEAD}providers: [{ name: command }]\n`,
    remedy: /run/,
  },
  {
    code: 'budget_without_limit',
    at: '5:3',
    text: `${HEAD}budgets:\n  b: { per: day }\n`,
    remedy: /usd/,
  },
  {
    code: 'budget_too_small',
    at: '5:13',
    text: `${HEAD}budgets:\n  b: { usd: 0.1, per: day }\n`,
    corrected: '  b: { usd: 0.3, per: day }',
  },
  // Warnings.
  {
    code: 'unquoted_hash',
    at: '8:21',
    text: `${HEAD}${TRIGGER}    task: Fix issue #12 now\n`,
    corrected: '    task: "Fix issue #12 now"',
  },
  {
    code: 'agent_disabled',
    at: '5:15',
    text: 'version: 1\nagents:\n  builder: { enabled: false }\nschedules:\n  n: { agent: builder, cron: "0 2 * * *" }\n',
    remedy: /enabled/,
  },
  { code: 'agent_never_started', at: '3:3', text: HEAD, remedy: /schedule or a trigger/ },
  {
    code: 'date_passed',
    at: '5:50',
    text: `${HEAD}schedules:\n  n: { agent: builder, cron: "0 2 * * *", until: 2020-01-01 }\n`,
    remedy: /later day/,
  },
  {
    code: 'rule_without_effect',
    at: '5:8',
    text: `${HEAD}approvals:\n  a: { remember: 1d }\n`,
    remedy: /gate: run/,
  },
  {
    code: 'not_yet_effective',
    at: '4:11',
    text: `${HEAD}memory: { keep: 3d }\n`,
    remedy: /may stay/,
  },
];

test.each(CASES)(
  '$code at $at: $text',
  async ({ code, at, text, corrected, remedy, path: where }) => {
    const { diagnostics } = await loadConfig(text, {
      now: new Date('2026-11-22T12:00:00Z'),
      readFile: async (file) => (file === 'large.md' ? 'x'.repeat(32_001) : undefined),
    });

    const found = diagnostics.filter((diagnostic) => diagnostic.code === code);
    expect(found.map(({ line, column }) => `${line}:${column}`)).toContain(at);
    const diagnostic = found.find(({ line, column }) => `${line}:${column}` === at);
    expect(diagnostic).toMatchObject({
      remedy: expect.stringMatching(remedy ?? /./),
      ...(corrected === undefined ? {} : { corrected }),
      ...(where === undefined ? {} : { path: where }),
    });
  },
);

test.each(CASES.filter(({ corrected }) => corrected !== undefined))(
  'the corrected line mends $code at $at: $text',
  async ({ code, at, text, corrected = '' }) => {
    const line = Number(at.split(':')[0]);
    const mended = text
      .split('\n')
      .with(line - 1, corrected)
      .join('\n');

    const { diagnostics } = await loadConfig(mended, { readFile: async () => 'text' });

    expect(
      diagnostics.filter((diagnostic) => diagnostic.code === code && diagnostic.line === line),
    ).toEqual([]);
  },
);

test('every code that can be said of a file is shown by a case', async () => {
  const source = await readFile(path.join(import.meta.dirname, 'diagnostics.ts'), 'utf8');
  const codes = [...source.matchAll(/^ {2}\| '(\w+)'/gm)].map(([, code]) => code);

  const shown = new Set<string | undefined>(CASES.map(({ code }) => code));

  expect(codes.filter((code) => !shown.has(code) && !ELSEWHERE.has(code))).toEqual([]);
});

/** Shown by read.test.ts, by the reconciler, and by those who hold a file against a policy. */
const ELSEWHERE = new Set<string | undefined>([
  'too_large',
  'invalid_encoding',
  'too_deep',
  'not_a_regular_file',
  'policy_violation',
  'policy_clamped',
  'policy_warning',
]);
