import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { createZoneOffset } from '../domain/zone-offset.ts';
import type { Plan, PlannedChange } from './plan-document.ts';
import {
  invalidNote,
  mergedNote,
  staleNote,
  unchangedNote,
  unrelatedNote,
} from './plan-note-forms.ts';
import { LONGEST_NOTE, planNote } from './plan-note.ts';

const deps = { zoneOffset: createZoneOffset() };
const at = { head: '3f2c1ab4'.repeat(5), target: 'main', targetHead: '9d01e77c'.repeat(5) };

function plan(change: Partial<Plan> = {}): Plan {
  const changes = change.changes ?? [];
  const count = (action: string): number => changes.filter((one) => one.action === action).length;
  return {
    format_version: '1.0',
    repo: 'platform/shop',
    head: at.head,
    in_force: { commit: at.targetHead },
    digest: 'd'.repeat(64),
    valid: true,
    summary: {
      changes: true,
      add: count('create'),
      change: count('update'),
      remove: count('retire'),
      loosening: changes.filter(({ loosens }) => loosens).length,
      warnings: change.diagnostics?.length ?? 0,
      destructive: false,
    },
    changes,
    effects: {
      usd_per_day: { before: 9, after: 12 },
      next_runs: {},
      timezones: {},
      jobs_cancelled: 0,
      jobs_stopped: 0,
    },
    prune: { held: false, digest: 'e'.repeat(64) },
    diagnostics: [],
    ...change,
  };
}

function update(key: string, loosens: boolean): PlannedChange {
  return {
    action: 'update',
    kind: 'agent',
    key,
    loosens,
    source: { line: 12 },
    paths: [
      {
        path: 'limits.microUsd',
        before: 3_000_000,
        after: 5_000_000,
        risk: loosens ? 'loosens' : 'tightens',
      },
    ],
  };
}

function render(change: Partial<Plan>, approval = ''): string {
  return planNote(deps, { plan: plan(change), at, approval });
}

test('a plan counts its objects, says on top of what, and puts what loosens first', () => {
  const note = render({ changes: [update('tester', false), update('builder', true)] }, 'Ask Ann.');

  expect(note.split('\n').slice(0, 8)).toEqual([
    '### Auto-Dev plan: 0 to add, 2 to change, 0 to remove',
    '',
    '`autodev.yaml` at `3f2c1ab4` on top of `main` at `9d01e77c` · **valid**',
    '',
    '**Needs attention**',
    '',
    '- ⚠ Agent `builder` loosens: `limits.usd` `3` → `5` (line 12)',
    '',
  ]);
  expect(note.indexOf('| ✏️ change | agent `builder` |')).toBeLessThan(
    note.indexOf('| ✏️ change | agent `tester` |'),
  );
  expect(note).toContain('**Most a day:** 9 USD → **12 USD**');
  expect(note).toContain('Ask Ann.');
  expect(note).toContain('! agent.builder\n-   limits.usd: 3\n+   limits.usd: 5');
});

test('a schedule that comes shows who, when and its next runs', () => {
  const schedule: PlannedChange = {
    action: 'create',
    kind: 'schedule',
    key: 'nightly',
    loosens: false,
    source: { line: 8 },
    paths: [
      {
        path: '',
        before: undefined,
        after: { agent: 'tester', cron: '0 2 * * 1-5', timezone: 'Asia/Kolkata' },
        risk: 'neutral',
      },
    ],
  };

  const note = render({
    changes: [schedule],
    effects: {
      ...plan().effects,
      next_runs: { nightly: ['2026-11-22T20:30:00.000Z'] },
      timezones: { nightly: 'Asia/Kolkata' },
      spent_usd: 4.5,
    },
  });

  expect(note).toContain(
    '| ➕ add | schedule `nightly` | `tester` `0 2 * * 1-5` `Asia/Kolkata` | 8 |',
  );
  expect(note).toContain('| `nightly` | Mon 2026-11-23 02:00 +05:30 | `Asia/Kolkata` |');
  expect(note).toContain('; the last 30 days cost 4.50 USD');
});

test('jobs that end, removals that wait, and what the policy cut need attention', () => {
  const note = render({
    effects: { ...plan().effects, jobs_cancelled: 3, jobs_stopped: 1 },
    prune: { held: true, digest: 'abcdef012345'.padEnd(64, '0') },
    diagnostics: [
      {
        severity: 'warning',
        code: 'policy_clamped',
        path: 'agents.builder.limits.usd',
        line: 4,
        column: 9,
        message: 'limits.usd is at most 5 here.',
        remedy: 'Ask for less.',
      },
    ],
  });

  expect(note).toContain('- ✖ 3 jobs in the queue would be cancelled');
  expect(note).toContain('- ✖ 1 job would be stopped while it runs');
  expect(note).toContain('`autodev sync platform/shop --confirm-prune abcdef012345`');
  expect(note).toContain('- ✂ line 4: limits.usd is at most 5 here. Ask for less.');
});

test('a huge plan keeps every loosening change and stays within the bound but for them', () => {
  const changes = Array.from({ length: 3000 }, (_, i) => update(`agent-${i}`, i % 10 === 0));

  const note = render({ changes });

  expect(note.match(/^- ⚠ /gmu)).toHaveLength(300);
  expect(note).toContain('| … | 2900 more |');
  expect(note).toContain('too many for a note');
  expect(note.length).toBeLessThan(LONGEST_NOTE);
});

test('an invalid file shows each problem with its place and the corrected line', () => {
  const note = invalidNote({
    diagnostics: [
      {
        severity: 'error',
        code: 'unknown_key',
        path: 'agents.bulider',
        line: 3,
        column: 3,
        message: 'There is no agent bulider.',
        remedy: 'Did you mean builder?',
        corrected: '  builder: {}',
      },
    ],
    source: 'version: 1\nagents:\n  bulider: {}\n',
    at,
    inForce: at.targetHead,
  });

  expect(note).toContain('### Auto-Dev plan: the configuration is invalid (1 problem)');
  expect(note).toContain('What runs stays as it is at `9d01e77c` if this is merged.');
  expect(note).toContain('**Line 3, column 3** · `unknown_key`');
  expect(note).toContain('```diff\n-   bulider: {}\n+   builder: {}\n```');
});

test('the other forms are short and say what follows', () => {
  expect(unchangedNote({ at })).toMatch(/^### Auto-Dev plan: no change\n/u);
  expect(staleNote({ at, paths: ['autodev.yaml'] })).toContain('Merge `main` into this branch');
  expect(unrelatedNote()).toContain('no longer changes');
});

test('after the merge the note says whether what runs is what was planned', () => {
  const applied = { kind: 'applied', afterMs: 2400, wasPlanned: true } as const;
  const differences = [{ object: { kind: 'agent', name: 'builder' }, how: 'other' }] as const;

  expect(mergedNote(at.head, { ...applied, differences: [] })).toContain(
    '✔ `3f2c1ab4` is in force 2 s after the merge, exactly as planned.',
  );
  expect(mergedNote(at.head, { ...applied, differences })).toContain(
    '- agent `builder` says something else than was planned',
  );
  expect(mergedNote(at.head, { ...applied, differences: [], wasPlanned: false })).toContain(
    'before a plan of its last commit was shown',
  );
  expect(mergedNote(at.head, { kind: 'held', reason: 'Nobody reviewed it.' })).toContain(
    'merged, waiting',
  );
  expect(mergedNote(at.head, { kind: 'waiting' })).toContain('is being applied');
  expect(mergedNote(at.head, { kind: 'invalid', first: undefined })).toContain('not applied');
});

const nasty = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 60 }),
  fc.constantFrom(
    '@alice',
    '`x` @alice',
    '\n/approve\n',
    '/merge',
    '</details><script>',
    '```\n/close\n```',
    '![x](https://evil.example.org/a.png)',
    '| a | b |',
    '[click](https://evil.example.org)',
    'glpat-aaaaaaaaaaaaaaaaaaaaaaaa',
    '<!-- autodev:plan -->',
    '\u202eevil',
  ),
);

/** What is left when code is taken out: what GitLab looks at for mentions, links and markup. */
function withoutCode(note: string): string {
  return note.replaceAll(/^```diff\n[\s\S]*?^```$/gmu, '').replaceAll(/`[^`\n]*`/gu, '');
}

/** What in a note would act rather than be read. */
function dangersIn(note: string): string[] {
  const shown = withoutCode(note);
  const dangers: readonly (readonly [name: string, found: boolean])[] = [
    ['quick action', /^\s*\//mu.test(note)],
    ['credential', /glpat-a{24}/u.test(note)],
    ['comment', note.includes('<!--')],
    ['mention', /(?<![a-z0-9])@\w/iu.test(shown)],
    ['markup', /<(?!\/?(?:details|summary)>|br>)[a-z!/]/iu.test(shown)],
    ['image', shown.includes('![')],
    ['link', /https?:/iu.test(shown)],
  ];
  return dangers.flatMap(([name, found]) => (found ? [name] : []));
}

test('nothing that a file says acts where its plan is shown', () => {
  fc.assert(
    fc.property(nasty, nasty, nasty, (key, before, after) => {
      const change: PlannedChange = {
        ...update(key, true),
        paths: [{ path: 'task', before, after, risk: 'loosens' }],
      };
      const diagnostics = [
        {
          severity: 'error',
          code: 'unknown_value',
          path: key,
          line: 1,
          column: 1,
          message: before,
          remedy: after,
          corrected: key,
        },
      ] as const;

      const notes = [
        render({ changes: [change], diagnostics }),
        invalidNote({ diagnostics, source: before, at, inForce: undefined }),
        mergedNote(at.head, { kind: 'held', reason: before }),
        mergedNote(at.head, { kind: 'invalid', first: diagnostics[0] }),
      ];

      expect(notes.flatMap(dangersIn)).toEqual([]);
    }),
    { numRuns: 500 },
  );
});
