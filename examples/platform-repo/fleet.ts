import * as path from 'node:path';

import { GlmApp, Platform } from 'cdk8s-chatglm';
import { type Cluster, CLUSTERS, ENVIRONMENTS } from './clusters';
import { TenantChart } from './tenant-chart';
import { readTenants, type Tenant } from './tenants-file';
import { WeightsChart } from './weights-chart';

/** Writes a folder for each cluster and environment, in it folders for each tenant. What nobody has any more is deleted. */
export function synthesizeFleet(tenantsFile: string, outdir: string): void {
  const { clusters } = readTenants(tenantsFile);
  for (const [name, cluster] of Object.entries(CLUSTERS)) {
    ENVIRONMENTS.forEach((environment) => {
      synthesize(cluster, environment, clusters[name]?.[environment] ?? {}, path.join(outdir, `${name}-${environment}`));
    });
  }
}

function synthesize(cluster: Cluster, environment: string, tenants: Readonly<Record<string, Tenant>>, outdir: string): void {
  const app = new GlmApp({ outdir, prune: true });
  Platform.attach(app, cluster.platform(environment));
  const weights = new WeightsChart(app, cluster, environment);
  for (const [name, tenant] of Object.entries(tenants)) {
    new TenantChart(app, name, tenant, { cluster, environment, weights });
  }
  app.synth();
}
