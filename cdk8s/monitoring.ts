import type { IPrometheusRule } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PrometheusRule';

import type { Environment } from './environment.ts';
import { dashboard } from './grafana.ts';
import type { Manifest } from './manifest.ts';
import { metadata } from './manifest.ts';

/** What is scraped, what wakes somebody, and what they then look at. */
export function monitoringManifests({ namespace, monitoring }: Environment): Manifest[] {
  const meta = metadata('auto-dev', 'monitoring');
  const found = { ...meta, labels: { ...meta.labels, ...monitoring.labels } };
  return [
    {
      apiVersion: 'monitoring.coreos.com/v1',
      kind: 'PodMonitor',
      metadata: found,
      spec: {
        selector: {
          matchLabels: { 'app.kubernetes.io/part-of': 'auto-dev' },
          matchExpressions: [
            {
              key: 'app.kubernetes.io/component',
              operator: 'In',
              values: ['web', 'control', 'agent'],
            },
          ],
        },
        podMetricsEndpoints: [{ port: 'metrics', path: '/metrics', interval: '30s' }],
      },
    },
    {
      apiVersion: 'monitoring.coreos.com/v1',
      kind: 'PrometheusRule',
      metadata: found,
      spec: { groups: [{ name: 'auto-dev', rules: alerts(namespace) }] },
    },
    ...(monitoring.dashboards
      ? [
          {
            apiVersion: 'v1',
            kind: 'ConfigMap',
            metadata: {
              ...metadata('grafana-auto-dev', 'monitoring'),
              labels: {
                ...metadata('grafana-auto-dev', 'monitoring').labels,
                grafana_dashboard: '1',
              },
            },
            data: { 'auto-dev.json': JSON.stringify(dashboard(namespace), null, 2) },
          } as const,
        ]
      : []),
  ];
}

type Rules = NonNullable<
  NonNullable<NonNullable<IPrometheusRule['spec']>['groups']>[number]['rules']
>;

/**
 * What each means and what to do stands in docs/guides/kaas.md under its name. Counts come from the database, so
 * every process says the same: `max` takes one of them.
 */
function alerts(namespace: string): Rules {
  const within = `{namespace="${namespace}"}`;
  return [
    alert('AutoDevQueueStuck', {
      expr: `max(autodev_queue_oldest_seconds${within}) > 1800`,
      for: '10m',
      severity: 'warning',
      summary: 'A job has waited for more than half an hour.',
    }),
    alert('AutoDevNoRunner', {
      expr: `max(autodev_runners${within}) < 1`,
      for: '5m',
      severity: 'critical',
      summary: 'No runner is alive: no job is done.',
    }),
    alert('AutoDevMetricsMissing', {
      expr: `absent(autodev_repos${within})`,
      for: '10m',
      severity: 'critical',
      summary: 'Nothing is scraped: no process answers, or the network does not let Prometheus in.',
    }),
    alert('AutoDevFault', {
      expr: `max by (what) (increase(autodev_faults_total${within}[15m])) > 0`,
      for: '0m',
      severity: 'warning',
      summary: 'A row was set aside because of a bug.',
    }),
    alert('AutoDevGatesWait', {
      expr: `max(autodev_open_gates${within}) > 50`,
      for: '1h',
      severity: 'info',
      summary: 'More than 50 questions wait for people.',
    }),
    alert('AutoDevApiErrors', {
      expr: `sum(rate(autodev_http_request_duration_seconds_count{namespace="${namespace}",status=~"5.."}[5m])) > 0.05`,
      for: '10m',
      severity: 'warning',
      summary: 'The API or the webhook answers with errors of its own.',
    }),
  ];
}

function alert(
  name: string,
  {
    expr,
    for: wait,
    severity,
    summary,
  }: { expr: string; for: string; severity: string; summary: string },
): Rules[number] {
  return {
    alert: name,
    expr,
    for: wait,
    labels: { severity },
    annotations: { summary, runbook: `docs/guides/kaas.md#${name.toLowerCase()}` },
  };
}
