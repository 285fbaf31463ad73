import { AGENTS, agentCode } from '../src/domain/agent.ts';
import { jobStateCode } from '../src/domain/job-state.ts';
import { COMPONENTS } from './components.ts';
import type { Environment } from './environment.ts';
import { services } from './environment.ts';
import type { Manifest } from './manifest.ts';
import { metadata } from './manifest.ts';

/**
 * An agent without work has no pod. Never more than one: its claim is of one pod, and more work at once is `slots`.
 */
export function scalingManifests(environment: Environment): Manifest[] {
  const { scaling } = environment;
  if (!scaling.keda) {
    return [];
  }
  return [
    {
      apiVersion: 'keda.sh/v1alpha1',
      kind: 'TriggerAuthentication',
      metadata: metadata('scaler', 'scaling'),
      spec: {
        secretTargetRef: [{ parameter: 'password', name: 'scaler', key: 'password' }],
      },
    },
    ...AGENTS.map((agent): Manifest => {
      const name = `agent-${agent}`;
      const grace = COMPONENTS.find((component) => component.name === name)?.graceSeconds ?? 0;
      return {
        apiVersion: 'keda.sh/v1alpha1',
        kind: 'ScaledObject',
        metadata: metadata(name, 'scaling'),
        spec: {
          scaleTargetRef: { name },
          minReplicaCount: 0,
          maxReplicaCount: 1,
          pollingInterval: 15,
          // Longer than a pod may take to end: two of them on one claim wait for each other.
          cooldownPeriod: Math.max(900, 2 * grace),
          triggers: [
            {
              type: 'postgresql',
              metadata: {
                host: services(environment).postgres,
                port: '5432',
                userName: 'scheduler',
                dbName: 'autodev',
                sslmode: 'disable',
                query: `select count(*) from job where agent = ${agentCode(agent)} and state in (${WITH_WORK})`,
                targetQueryValue: '1',
                activationTargetQueryValue: '0',
              },
              authenticationRef: { name: 'scaler' },
            },
          ],
        },
      };
    }),
  ];
}

/** A job that waits may be over while nobody runs; one that is reviewed needs no runner. */
const WITH_WORK = (['queued', 'running'] as const).map(jobStateCode).join(', ');
