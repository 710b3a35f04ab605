import { ApiObject, Chart } from 'cdk8s';
import { type ISecret, k8s, PersistentVolumeAccessMode, Secret } from 'cdk8s-plus-27';
import type { Construct } from 'constructs';

import { InferenceDeployment, ModelStore } from 'cdk8s-chatglm';
import { OFFERS } from './catalogue';
import type { Cluster, PodSecurityLevel } from './clusters';
import { denyAll, namespaceOf, SHARE_SIZE, shareVolume } from './namespace-objects';
import type { ServedModel, Tenant } from './tenants-file';
import type { WeightsChart } from './weights-chart';

/** Where a tenant is. */
export interface TenantPlace {
  readonly cluster: Cluster;
  readonly environment: string;
  /** The weights that all tenants of the cluster read. */
  readonly weights: WeightsChart;
  /** Where a field of the tenant is said, as errors begin. */
  readonly at: (...field: string[]) => string;
}

/** A tenant's namespace and everything in it. The ids of servers are their names, so those of other constructs begin with a capital letter, which names do not have. */
export class TenantChart extends Chart {
  public constructor(scope: Construct, name: string, private readonly tenant: Tenant, private readonly place: TenantPlace) {
    super(scope, `${name}-${place.environment}`, { namespace: `${name}-${place.environment}`, labels: { 'corp.example/tenant': name } });
    namespaceOf(this, this.podSecurity());
    denyAll(this);
    this.quota();
    this.readers();
    this.servers();
    this.node.addValidation({ validate: () => this.uncounted() });
  }

  /** The weakest level that a chip of its quota needs. */
  private podSecurity(): PodSecurityLevel {
    const levels = Object.keys(this.tenant.quota).map((chip) => this.place.cluster.chips[chip]!.podSecurity);
    return (['privileged', 'baseline'] as const).find((level) => levels.includes(level)) ?? 'restricted';
  }

  /** Every chip of the cluster is counted: what the tenant does not have is 0. */
  private quota(): void {
    const hard = Object.entries(this.place.cluster.chips).map(([chip, { resource }]) => [`requests.${resource}`, k8s.Quantity.fromNumber(this.tenant.quota[chip] ?? 0)]);
    new k8s.KubeResourceQuota(this, 'Devices', { metadata: { name: 'devices' }, spec: { hard: Object.fromEntries(hard) as Record<string, k8s.Quantity> } });
  }

  /** A resource of another name than in clusters.ts would be free for all. */
  private uncounted(): string[] {
    const counted = Object.values(this.place.cluster.chips).map(({ resource }) => resource);
    const asked = this.node.findAll().filter((construct) => ApiObject.isApiObject(construct) && construct.kind === 'Deployment').flatMap((deployment) => devicesOf(deployment as ApiObject));
    return [...new Set(asked)].filter((resource) => !counted.includes(resource)).map((resource) => `pods ask for ${resource}, but clusters.ts counts ${counted.join(' and ')}; correct 'resource'`);
  }

  /** The tenant's group looks; changes come through git. */
  private readers(): void {
    new k8s.KubeRole(this, 'Reader', {
      metadata: { name: 'reader' },
      rules: [
        { apiGroups: [''], resources: ['pods', 'pods/log', 'services', 'configmaps', 'events', 'resourcequotas', 'persistentvolumeclaims'], verbs: ['get', 'list', 'watch'] },
        { apiGroups: ['apps', 'batch', 'networking.k8s.io', 'policy'], resources: ['*'], verbs: ['get', 'list', 'watch'] },
      ],
    });
    new k8s.KubeRoleBinding(this, 'Readers', {
      metadata: { name: 'readers' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: this.tenant.group }],
    });
  }

  private servers(): void {
    const servers = Object.entries(this.tenant.models);
    if (servers.length === 0) {
      return;
    }
    const { cluster, environment } = this.place;
    const volumeName = shareVolume(this, cluster.share(environment), true);
    const store = new ModelStore(this, 'weights', { size: SHARE_SIZE, volumeName, readOnly: true, accessModes: [PersistentVolumeAccessMode.READ_ONLY_MANY] });
    const apiKeysSecret = Secret.fromSecretName(this, 'ApiKeys', 'api-keys');
    servers.forEach(([name, served]) => { this.server(name, served, store, apiKeysSecret); });
  }

  private server(name: string, served: ServedModel, store: ModelStore, apiKeysSecret: ISecret): void {
    try {
      this.deployment(name, served, store, apiKeysSecret);
    } catch (error) {
      throw new Error(`${this.place.at('models', name)}: ${(error as Error).message}`);
    }
  }

  private deployment(name: string, { model, chip, host, clients, ...numbers }: ServedModel, store: ModelStore, apiKeysSecret: ISecret): void {
    const offer = OFFERS.find((candidate) => candidate.model.name === model && candidate.chip === chip)!;
    new InferenceDeployment(this, name, {
      ...numbers,
      model: offer.model, runtime: offer.runtime, dtype: offer.dtype, weights: this.place.weights.artifactOn(store, offer),
      accelerator: this.place.cluster.chips[chip]!.accelerator,
      clientNamespaces: [this.namespace!, ...clients],
      ...(offer.keyless !== true && { apiKeysSecret }),
      ...(host !== undefined && { ingressHost: host, ingressTlsSecret: Secret.fromSecretName(this, `Tls-${name}`, `${name}-tls`) }),
    });
  }
}

function devicesOf(deployment: ApiObject): string[] {
  const { spec } = deployment.toJson() as { spec: { template: { spec: { containers: { resources?: { limits?: object } }[] } } } };
  return spec.template.spec.containers.flatMap(({ resources }) => Object.keys(resources?.limits ?? {})).filter((resource) => resource.includes('/'));
}
