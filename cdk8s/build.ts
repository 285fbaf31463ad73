import { App, Chart, Yaml } from 'cdk8s';

import { appManifests } from './apps.ts';
import { clusterManifests } from './cluster.ts';
import { configManifests, configMaps } from './config-maps.ts';
import { edgeManifests } from './edge.ts';
import type { Environment } from './environment.ts';
import { backupManifests, migrateManifests } from './jobs.ts';
import type { Manifest } from './manifest.ts';
import { addAll } from './manifest.ts';
import { monitoringManifests } from './monitoring.ts';
import { networkManifests } from './network.ts';
import { scalingManifests } from './scaling.ts';
import { secretManifests } from './secrets.ts';
import { storeManifests } from './stores.ts';

/** An object as it is written. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

/** One file: its name sorts where it is to be applied. */
export interface ManifestFile {
  readonly name: string;
  readonly objects: readonly KubernetesObject[];
}

/** Everything of an environment, in the order in which it is applied. The same environment gives the same, always. */
export function buildManifests(environment: Environment): ManifestFile[] {
  const maps = configMaps(environment);
  const { clusterObjects } = environment.platform;
  const files: [name: string, manifests: readonly Manifest[]][] = [
    ['00-cluster', clusterObjects ? clusterManifests(environment) : []],
    ['10-secrets', secretManifests(environment)],
    ['20-config', configManifests(maps)],
    ['30-network', networkManifests(environment)],
    ['40-data', [...storeManifests(environment, maps), ...backupManifests(environment, maps)]],
    ['50-migrate', migrateManifests(environment, maps)],
    ['60-apps', appManifests(environment, maps)],
    ['65-scaling', scalingManifests(environment)],
    ['70-edge', edgeManifests(environment)],
    ['80-monitoring', monitoringManifests(environment)],
  ];
  const app = new App({ recordConstructMetadata: false });
  return files
    .filter(([, manifests]) => manifests.length > 0)
    .map(([name, manifests]) => {
      const chart = new Chart(app, name, {
        disableResourceNameHashes: true,
        // A chart stamps its namespace on everything in it, also on what has none.
        ...(name !== '00-cluster' && { namespace: environment.namespace }),
      });
      addAll(chart, manifests);
      return { name, objects: objectsOf(chart) };
    });
}

/** The text of a file, as kubectl reads it. */
export function manifestText({ objects }: ManifestFile, environment: Environment): string {
  const banner = `# Written by \`npm run synth -- --env ${environment.name}\`: change cdk8s/, not this file.\n`;
  return `${banner}${Yaml.stringify(...objects)}`;
}

/** What cdk8s answers has lost its types; it is what was put in, with the namespace. */
function objectsOf(chart: Chart): KubernetesObject[] {
  const objects: KubernetesObject[] = chart.toJson();
  return objects;
}
