import { ApiObject, Chart } from 'cdk8s';
import type { IConstruct } from 'constructs';

import { isBatch } from '../../lib/gitops/workload-state';
import { ArtifactGraph, claimKey, type Workload } from './artifact-graph';

/** Objects of a chart that are applied together. */
export interface Stage {
  readonly chart: Chart;
  /** `jobs`, `serving`, or `base` for what belongs to no workload and waits for nothing. */
  readonly part: 'base' | 'jobs' | 'serving';
  /** How many workloads come one after another before these, at most. */
  readonly depth: number;
}

const KNOWN = new WeakMap<ArtifactGraph, Stages>();

/** Assigns every object of an app to its stage, from the artifact graph and nothing else. */
export class Stages {
  /** The stages of the app that a construct is in, with the workloads that it has now. */
  public static of(scope: IConstruct): Stages {
    const graph = ArtifactGraph.of(scope);
    const known = KNOWN.get(graph);
    const stages = known?.version === graph.version ? known : new Stages(graph);
    KNOWN.set(graph, stages);
    return stages;
  }

  private readonly version: number;
  private readonly claims = new Map<string, Workload>();
  private readonly last = new Map<Chart, number>();

  private constructor(private readonly graph: ArtifactGraph) {
    this.version = graph.version;
    for (const workload of graph.workloads) {
      const chart = Chart.of(workload.scope);
      this.last.set(chart, Math.max(this.last.get(chart) ?? 0, graph.depthOf(workload)));
    }
    for (const workload of graph.workloads) {
      workload.claims.forEach((claim) => { this.claims.set(claim, this.earlier(this.claims.get(claim), workload)); });
    }
  }

  /**
   * The stage of an object: its workload's, or, for a claim, that of the first workload that mounts it, since a claim may bind only when a pod needs it. A claim that
   * nobody mounts comes last, where nothing waits for it.
   */
  public stageOf(object: ApiObject): Stage {
    const chart = Chart.of(object);
    const workload = this.graph.workloadOf(object) ?? (object.kind === 'PersistentVolumeClaim' ? this.claims.get(claimKey(object, object.name)) : undefined);
    if (workload !== undefined) {
      return { chart, part: this.partOf(workload), depth: this.depthOf(workload) };
    }
    return { chart, part: 'base', depth: object.kind === 'PersistentVolumeClaim' ? this.last.get(chart) ?? 0 : 0 };
  }

  /** The stages that must be done before the workloads of one can start: those that make what they read. */
  public before(objects: readonly ApiObject[]): Stage[] {
    const workloads = new Set(objects.flatMap((object) => this.graph.workloadOf(object) ?? []));
    return [...new Set([...workloads].flatMap((workload) => this.graph.producersOf(workload)))]
      .map((producer) => ({ chart: Chart.of(producer.scope), part: this.partOf(producer), depth: this.depthOf(producer) }));
  }

  /** What neither reads nor makes an artifact, as the removal of old ones, comes last: its failure must not hold up the others. */
  private depthOf(workload: Workload): number {
    const isAlone = workload.output === undefined && workload.inputs.length === 0 && this.partOf(workload) === 'jobs';
    return isAlone ? this.last.get(Chart.of(workload.scope)) ?? 0 : this.graph.depthOf(workload);
  }

  /** Servers win ties: a claim must not wait behind the jobs of others. */
  private earlier(first: Workload | undefined, second: Workload): Workload {
    if (first === undefined) {
      return second;
    }
    const difference = this.depthOf(second) - this.depthOf(first);
    return difference < 0 || (difference === 0 && this.partOf(first) === 'jobs') ? second : first;
  }

  private partOf({ scope }: Workload): 'jobs' | 'serving' {
    return scope.node.findAll().some((construct) => ApiObject.isApiObject(construct) && isBatch(construct)) ? 'jobs' : 'serving';
  }
}
