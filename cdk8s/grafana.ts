interface Panel {
  readonly title: string;
  readonly expr: string;
  readonly legend?: string;
  readonly unit?: 's' | 'short';
}

const ROW_HEIGHT = 8;
const HALF_WIDTH = 12;

/** One page that answers: is work done, what waits, for whom, and is anything broken. */
export function dashboard(namespace: string): Readonly<Record<string, unknown>> {
  return {
    uid: 'auto-dev',
    title: 'Auto-Dev',
    tags: ['auto-dev'],
    timezone: 'utc',
    refresh: '1m',
    schemaVersion: 39,
    time: { from: 'now-24h', to: 'now' },
    panels: panels(`namespace="${namespace}"`).map(
      ({ title, expr, legend = '', unit = 'short' }, i) => ({
        id: i + 1,
        type: 'timeseries',
        title,
        gridPos: {
          x: (i % 2) * HALF_WIDTH,
          y: Math.floor(i / 2) * ROW_HEIGHT,
          w: HALF_WIDTH,
          h: ROW_HEIGHT,
        },
        fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
        targets: [{ refId: 'A', expr, legendFormat: legend }],
      }),
    ),
  };
}

function panels(within: string): Panel[] {
  return [
    {
      title: 'Jobs by state',
      expr: `max by (state) (autodev_queue_depth{${within}})`,
      legend: '{{state}}',
    },
    { title: 'Longest wait', expr: `max(autodev_queue_oldest_seconds{${within}})`, unit: 's' },
    { title: 'Questions that wait for people', expr: `max(autodev_open_gates{${within}})` },
    { title: 'Live runners', expr: `max(autodev_runners{${within}})` },
    { title: 'Registered repositories', expr: `max(autodev_repos{${within}})` },
    {
      title: 'Rows set aside because of a bug',
      expr: `max by (what) (autodev_faults_total{${within}})`,
      legend: '{{what}}',
    },
    {
      title: 'Answers per second',
      expr: `sum by (status) (rate(autodev_http_request_duration_seconds_count{${within}}[5m]))`,
      legend: '{{status}}',
    },
    {
      title: 'Slowest twentieth of answers',
      expr: `histogram_quantile(0.95, sum by (le) (rate(autodev_http_request_duration_seconds_bucket{${within}}[5m])))`,
      unit: 's',
    },
  ];
}
