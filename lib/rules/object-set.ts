import type { ExaminedObject, ExaminedPod } from './examined-object';

type Labels = Readonly<Record<string, string>>;

/** Objects that are applied together, found by name and by label. */
export class ObjectSet {
  /** Whether Argo CD or Flux applies them: something among them says so. */
  public readonly isGitOps: boolean;
  private readonly byName = new Map<string, ExaminedObject[]>();
  private readonly podsByLabel = new Map<string, ExaminedPod[]>();
  private readonly podsByClaim = new Map<string, ExaminedPod[]>();

  constructor(objects: readonly ExaminedObject[]) {
    this.isGitOps = objects.some(speaksOfGitOps);
    for (const object of objects) {
      push(this.byName, nameKey(object.object.kind, object.namespace, object.object.metadata.name), object);
      object.pods.forEach((pod) => { this.addPod(object.namespace, pod); });
    }
  }

  /** Objects of a kind and name in a namespace; several if the name is taken twice. */
  public named(kind: string, namespace: string, name: string): readonly ExaminedObject[] {
    return this.byName.get(nameKey(kind, namespace, name)) ?? [];
  }

  /** Pods that a selector selects; none if it is empty. */
  public selected(namespace: string, selector: Labels): readonly ExaminedPod[] {
    const candidates = Object.entries(selector).map(([key, value]) => this.podsByLabel.get(`${namespace}/${key}=${value}`) ?? []);
    const fewest = candidates.reduce((best, pods) => pods.length < best.length ? pods : best, candidates[0] ?? []);
    return fewest.filter(({ metadata: { labels = {} } }) => Object.entries(selector).every(([key, value]) => labels[key] === value));
  }

  /** Pods that mount a claim. */
  public usersOfClaim(namespace: string, claim: string): readonly ExaminedPod[] {
    return this.podsByClaim.get(`${namespace}/${claim}`) ?? [];
  }

  private addPod(namespace: string, pod: ExaminedPod): void {
    Object.entries(pod.metadata.labels ?? {}).forEach(([key, value]) => { push(this.podsByLabel, `${namespace}/${key}=${value}`, pod); });
    for (const { persistentVolumeClaim: claim } of pod.spec.volumes ?? []) {
      if (claim !== undefined) {
        push(this.podsByClaim, `${namespace}/${claim.claimName}`, pod);
      }
    }
  }
}

function push<T>(map: Map<string, T[]>, key: string, value: T): void {
  const values = map.get(key);
  if (values === undefined) {
    map.set(key, [value]);
  } else {
    values.push(value);
  }
}

function nameKey(kind: string, namespace: string, name: string): string {
  return `${kind}/${namespace}/${name}`;
}

function speaksOfGitOps({ object: { apiVersion, kind, metadata } }: ExaminedObject): boolean {
  return /^(argoproj\.io\/.*:App|kustomize\.toolkit\.fluxcd\.io\/)/.test(`${apiVersion}:${kind}`)
    || [...Object.keys(metadata.labels ?? {}), ...Object.keys(metadata.annotations ?? {})].some((key) => /^(argocd\.argoproj\.io|kustomize\.toolkit\.fluxcd\.io)\//.test(key));
}
