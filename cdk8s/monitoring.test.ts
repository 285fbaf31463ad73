import { fastify } from 'fastify';
import { Registry } from 'prom-client';
import { expect } from 'vitest';

import { metrics } from '../src/dashboard/api/metrics.ts';
import { test } from '../test/database.ts';
import { environmentOf, objectsOf } from './checks/environment-fixture.ts';
import { listAt, matches, textAt, textsBelow } from './checks/look.ts';
import { ofKind, podsOf } from './checks/rule.ts';

const objects = objectsOf(environmentOf('prod'));
/** Labels that Prometheus adds to what it scrapes. */
const ADDED = ['namespace'];

test('alerts and panels ask for metrics and labels that are there', async ({ db }) => {
  const app = fastify();
  const registry = new Registry();
  await app.register(metrics, { db, registry });
  await app.ready();

  const exposed = new Set(
    registry.getMetricsAsArray().flatMap(({ name }) => [name, `${name}_bucket`, `${name}_count`]),
  );
  const labels = new Set([...registry.getMetricsAsArray().flatMap(labelsOf), 'le', ...ADDED]);
  const asked = expressions();

  expect(asked.length).toBeGreaterThan(10);
  expect(asked.flatMap(metricsIn).filter((name) => !exposed.has(name))).toEqual([]);
  expect(asked.flatMap(labelsIn).filter((label) => !labels.has(label))).toEqual([]);
  await app.close();
});

test('whoever is scraped opens the port that is asked for', () => {
  const [monitor] = ofKind(objects, 'PodMonitor');
  const port = textAt(listAt(monitor, 'spec.podMetricsEndpoints')[0], 'port');
  const kinds = listAt(listAt(monitor, 'spec.selector.matchExpressions')[0], 'values');

  const scraped = podsOf(objects).filter(
    ({ owner, labels }) =>
      owner.kind === 'Deployment' &&
      matches({ 'app.kubernetes.io/part-of': 'auto-dev' }, labels) &&
      kinds.includes(labels['app.kubernetes.io/component']),
  );

  const open = scraped.map(({ containers }) =>
    containers.flatMap(({ node }) => listAt(node, 'ports').map((entry) => textAt(entry, 'name'))),
  );
  expect(scraped).toHaveLength(13);
  expect(open.every((names) => names.filter((name) => name === port).length === 1)).toBe(true);
});

test('each alert has its part in the guide', async () => {
  const { readFile } = await import('node:fs/promises');
  const guide = await readFile(new URL('../docs/guides/kaas.md', import.meta.url), 'utf8');

  const alerts = rules().map((rule) => textAt(rule, 'alert') ?? '');

  expect(alerts.filter((alert) => !guide.includes(`### ${alert}\n`))).toEqual([]);
});

function rules(): unknown[] {
  return ofKind(objects, 'PrometheusRule').flatMap((rule) =>
    listAt(rule, 'spec.groups').flatMap((group) => listAt(group, 'rules')),
  );
}

function expressions(): string[] {
  const dashboards = ofKind(objects, 'ConfigMap')
    .filter(({ metadata }) => metadata.labels?.['grafana_dashboard'] === '1')
    .flatMap((map) => [...textsBelow(map['data'])])
    .flatMap((text) => listAt(JSON.parse(text), 'panels'))
    .flatMap((panel) => listAt(panel, 'targets').map((target) => textAt(target, 'expr') ?? ''));
  return [...rules().map((rule) => textAt(rule, 'expr') ?? ''), ...dashboards];
}

function metricsIn(expression: string): string[] {
  return expression.match(/\bautodev_\w+/g) ?? [];
}

/** What an expression selects by, and what it groups by. */
function labelsIn(expression: string): string[] {
  return [...expression.matchAll(/(\w+)=~?"/g), ...expression.matchAll(/by \((\w+)\)/g)].map(
    ([, label = '']) => label,
  );
}

function labelsOf(metric: object): readonly string[] {
  const names: unknown = 'labelNames' in metric ? metric.labelNames : [];
  return Array.isArray(names) ? names.map(String) : [];
}
