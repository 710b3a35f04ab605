import * as path from 'node:path';

import { GlmApp, Platform } from 'cdk8s-chatglm';
import { type Cluster, CLUSTERS, ENVIRONMENTS } from './clusters';
import { TenantChart } from './tenant-chart';
import { readTenants, type Tenant } from './tenants-file';
import { WeightsChart } from './weights-chart';

/** Writes the files of all tenants in one environment of a cluster. */
function synthesize(cluster: Cluster, environment: string, tenants: Readonly<Record<string, Tenant>>, outdir: string): void {
  const app = new GlmApp({ outdir, prune: true });
  Platform.attach(app, cluster.platform(environment));
  const weights = new WeightsChart(app, cluster, environment);
  for (const [name, tenant] of Object.entries(tenants)) {
    new TenantChart(app, name, tenant, { cluster, environment, weights });
  }
  app.synth();
}

// main.ts [tenants.yaml]
const { clusters } = readTenants(process.argv[2] ?? path.relative(process.cwd(), path.join(__dirname, 'tenants.yaml')));
const outdir = process.env.CDK8S_OUTDIR ?? path.join(__dirname, 'dist');
for (const [name, cluster] of Object.entries(CLUSTERS)) {
  for (const environment of ENVIRONMENTS) {
    synthesize(cluster, environment, clusters[name]?.[environment] ?? {}, path.join(outdir, `${name}-${environment}`));
  }
}
