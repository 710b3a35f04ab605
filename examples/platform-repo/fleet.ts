import * as path from 'node:path';

import { GlmApp, Platform } from 'cdk8s-chatglm';
import { CLUSTERS, ENVIRONMENTS } from './clusters';
import { TenantChart } from './tenant-chart';
import { readTenants, type Tenants } from './tenants-file';
import { WeightsChart } from './weights-chart';

/**
 * Writes a folder for each cluster and environment, in it folders for each tenant. What nobody has any more is deleted.
 *
 * @throws with a line for every tenant that cannot be, before anything is written
 */
export function synthesizeFleet(tenantsFile: string, outdir: string): void {
  const tenants = readTenants(tenantsFile);
  const faults: string[] = [];
  const apps = Object.keys(CLUSTERS).flatMap((name) => ENVIRONMENTS.map((environment) => {
    const app = new GlmApp({ outdir: path.join(outdir, `${name}-${environment}`), prune: true });
    faults.push(...addCharts(app, name, environment, tenants));
    return app;
  }));
  if (faults.length > 0) {
    throw new Error(faults.join('\n'));
  }
  apps.forEach((app) => { app.synth(); });
}

/** Fills an app, and gives what is wrong with its tenants. */
function addCharts(app: GlmApp, clusterName: string, environment: string, { clusters, at }: Tenants): string[] {
  const cluster = CLUSTERS[clusterName]!;
  Platform.attach(app, cluster.platform(environment));
  const weights = new WeightsChart(app, cluster, environment);
  return Object.entries(clusters[clusterName]?.[environment] ?? {}).flatMap(([name, tenant]) => {
    try {
      new TenantChart(app, name, tenant, { cluster, environment, weights, at: (...field) => at('clusters', clusterName, environment, name, ...field) });
      return [];
    } catch (error) {
      return [(error as Error).message];
    }
  });
}
