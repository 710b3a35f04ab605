import { Chart } from 'cdk8s';
import type { IConstruct } from 'constructs';

import type { Artifact } from '../../lib/artifacts/artifact';
import type { IArtifactStore } from '../../lib/artifacts/artifact-store';
import type { Task } from '../../lib/runtimes/task';

/** A construct that renders a workload, and what its task reads, writes and mounts. */
export interface Workload {
  readonly scope: IConstruct;
  readonly inputs: readonly string[];
  readonly output: string | undefined;
  readonly claims: readonly string[];
}

const GRAPHS = new WeakMap<IConstruct, ArtifactGraph>();

/** Which workload of an app makes which artifact, and which ones read it: the order of everything follows from this. */
export class ArtifactGraph {
  /** The graph of the app that a construct is in. */
  public static of(scope: IConstruct): ArtifactGraph {
    const { root } = scope.node;
    const graph = GRAPHS.get(root) ?? new ArtifactGraph();
    GRAPHS.set(root, graph);
    return graph;
  }

  private additions = 0;
  private readonly byScope = new Map<IConstruct, Workload>();
  private readonly producers = new Map<string, Workload[]>();
  private readonly depths = new Map<Workload, number>();

  /** Adds the workload that a construct renders. */
  public add(scope: IConstruct, { inputs, output, fragment }: Task): void {
    const stores = [...inputs, ...(output ? [output] : [])].map(({ store }) => store.volumeSource);
    const claims = [...stores, ...fragment.volumes ?? []].flatMap((volume) => claimOf(volume) ?? []);
    const workload = {
      scope, claims: claims.map((claim) => claimKey(scope, claim)), inputs: inputs.map((artifact) => artifactKey(scope, artifact)), output: output && artifactKey(scope, output),
    };
    this.byScope.set(scope, workload);
    if (workload.output !== undefined) {
      this.producers.set(workload.output, [...this.producers.get(workload.output) ?? [], workload]);
    }
    this.depths.clear();
    this.additions += 1;
  }

  /** Another number after each addition. */
  public get version(): number {
    return this.additions;
  }

  /** All workloads, in the order in which they were made. */
  public get workloads(): Workload[] {
    return [...this.byScope.values()];
  }

  /** The workload that a construct belongs to. */
  public workloadOf(construct: IConstruct): Workload | undefined {
    return construct.node.scopes.reverse().map((scope) => this.byScope.get(scope)).find((workload) => workload !== undefined);
  }

  /** The workloads that make what a workload reads. */
  public producersOf(workload: Workload): Workload[] {
    return workload.inputs.flatMap((input) => this.producers.get(input) ?? []).filter((producer) => producer !== workload);
  }

  /** How many workloads, at most, come one after another before this one. */
  public depthOf(workload: Workload): number {
    const known = this.depths.get(workload);
    if (known !== undefined) {
      return known;
    }
    this.depths.set(workload, 0);
    const depth = this.producersOf(workload).reduce((most, producer) => Math.max(most, this.depthOf(producer) + 1), 0);
    this.depths.set(workload, depth);
    return depth;
  }
}

/** A claim by its name, in the namespace of a construct's chart. */
export function claimKey(scope: IConstruct, claim: string): string {
  return `${Chart.of(scope).namespace ?? ''}/${claim}`;
}

/** A directory on a volume: a claim's in this namespace, else what the volume's source says. */
function artifactKey(scope: IConstruct, { store, directory }: Artifact): string {
  const claim = claimOf(store.volumeSource);
  return `${claim === undefined ? JSON.stringify(store.volumeSource) : claimKey(scope, claim)}/${directory}`;
}

function claimOf(volume: IArtifactStore['volumeSource']): string | undefined {
  return (volume.persistentVolumeClaim as { claimName: string } | undefined)?.claimName;
}
