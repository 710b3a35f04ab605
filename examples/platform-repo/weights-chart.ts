import { Chart } from 'cdk8s';
import { k8s, PersistentVolumeAccessMode } from 'cdk8s-plus-27';
import type { Construct } from 'constructs';

import { Artifact, type IArtifactStore, ModelStore } from 'cdk8s-chatglm';
import { type Offer, OFFERS } from './catalogue';
import type { Cluster } from './clusters';
import { denyAll, namespaceOf, SHARE_SIZE, shareVolume } from './namespace-objects';

/** The platform team's namespace: it alone writes to the share that all tenants read. */
export class WeightsChart extends Chart {
  private readonly directories: ReadonlyMap<Offer, string>;

  public constructor(scope: Construct, cluster: Cluster, environment: string) {
    super(scope, `weights-${environment}`, { namespace: `weights-${environment}`, labels: { 'corp.example/tenant': 'weights' } });
    namespaceOf(this, 'restricted');
    denyAll(this);
    // Downloads go through the proxy; the mirrors of the company are reached without.
    new k8s.KubeNetworkPolicy(this, 'allow-downloads', {
      metadata: { name: 'allow-downloads' },
      spec: { podSelector: {}, policyTypes: ['Egress'], egress: [{ ports: [443, 3128].map((port) => ({ port: k8s.IntOrString.fromNumber(port), protocol: 'TCP' })) }] },
    });
    const volumeName = shareVolume(this, cluster.share(environment), false);
    const store = new ModelStore(this, 'store', { size: SHARE_SIZE, volumeName, accessModes: [PersistentVolumeAccessMode.READ_WRITE_MANY] });
    const offers = OFFERS.filter(({ chip }) => chip in cluster.chips);
    const artifacts = new Map([...new Set(offers.map(({ weights }) => weights))].map((weights) => [weights, weights(this, store)]));
    this.directories = new Map(offers.map((offer) => [offer, artifacts.get(offer.weights)!.directory]));
  }

  /** The weights of an offer as a tenant sees them, on its own claim for the share. */
  public artifactOn(store: IArtifactStore, offer: Offer): Artifact {
    return Artifact.existing({ store, directory: this.directories.get(offer)!, format: offer.format, marked: true });
  }
}
