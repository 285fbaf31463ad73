import { Command } from 'commander';
import { expect, test } from 'vitest';

import { COMMANDS } from '../src/cli/command-table.ts';
import type { Act } from '../src/cli/context.ts';
import { readSettings } from '../src/config/settings.ts';
import { environmentOf, objectsOf } from './checks/environment-fixture.ts';
import { listAt, textAt } from './checks/look.ts';
import type { Container } from './checks/rule.ts';
import { ofKind } from './checks/rule.ts';
import { containersOfOurs, secretFilesOf, variablesOf } from './container-fixture.ts';

/** The processes that the design names; the product's own table says which of them are there. */
const PROCESSES = new Set([
  'migrate',
  'reconciler',
  'scheduler',
  'orchestrator',
  'webhook',
  'dashboard',
  'runner',
  'worker',
]);

const objects = objectsOf(environmentOf('prod'));
const ours = containersOfOurs(objects);
const withSecrets = ours.filter(({ name }) => name !== 'worker');

test('every container of ours runs a process of the product', () => {
  const names = ours.map(({ node }) => String(listAt(node, 'args')[0]));

  expect(names.filter((name) => !PROCESSES.has(name))).toEqual([]);
  expect(new Set(names)).toEqual(PROCESSES);
});

test('each process takes the arguments that it is started with', async () => {
  const started: string[] = [];
  const known = ours.filter(({ node }) => commandOf(node) !== undefined);

  for (const { node } of known) {
    await start(node, started);
  }

  expect(started).toHaveLength(known.length);
  expect(started).toContain('runner --agent bug-finder --slots 2');
});

test.each(ours.map((container) => [`${container.pod} ${container.name}`, container] as const))(
  'the product understands every setting of %s, and each file that one names is mounted',
  (_, container) => {
    const { settings, files } = read(container);

    expect(settings.unknown).toEqual([]);
    expect([...settings.files.values()].filter((file) => !files.has(file))).toEqual([]);
  },
);

test('whatever has our secrets is strict, and signs in to the database as itself', () => {
  const all = withSecrets.map((container) => read(container).settings);

  expect(new Set(all.map(({ AUTODEV_SANDBOX: mode }) => mode))).toEqual(new Set(['strict']));
  expect(
    [...new Set(all.map(({ DATABASE_URL: url }) => new URL(url ?? '').username))].sort(),
  ).toEqual([
    'dashboard',
    'migrate',
    'orchestrator',
    'reconciler',
    'runner',
    'scheduler',
    'webhook',
  ]);
  expect(new Set(all.map(({ DATABASE_URL: url }) => new URL(url ?? '').password))).toEqual(
    new Set(['p%40ss']),
  );
});

test('only the orchestrator is given what writes to GitLab', () => {
  const holders = ofKind(objects, 'ExternalSecret').filter((secret) =>
    listAt(secret, 'spec.data').some(
      (entry) => textAt(entry, 'remoteRef.property') === 'write_token',
    ),
  );

  expect(holders.map(({ metadata }) => metadata.name)).toEqual(['orchestrator']);
});

function commandOf(node: unknown) {
  return COMMANDS.find(({ name }) => name === listAt(node, 'args')[0]);
}

/** Reads the arguments as `autodev` does, and notes what would have been run. */
async function start(node: unknown, started: string[]): Promise<void> {
  const [name = '', ...argv] = listAt(node, 'args').map(String);
  const act: Act = () => async () => void started.push([name, ...argv].join(' '));
  const command = new Command(name).exitOverride();
  const loaded = await commandOf(node)?.load();
  loaded?.define(command, act);
  await command.parseAsync(argv, { from: 'user' });
}

function read(container: Container) {
  const files = secretFilesOf(objects, container);
  const settings = readSettings(variablesOf(objects, container), {
    readFile: (file) => files.get(file) ?? '',
  });
  return { settings, files };
}
