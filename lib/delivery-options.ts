import type { Duration } from 'cdk8s';

/** How `kubectl` gets the manifests. */
export interface KubectlOptions {
  /**
   * Whether `GlmApp` writes a folder for each stage and a script `apply.sh` that applies the stages in order and waits for each.
   *
   * @default false
   */
  readonly staged?: boolean;
}

/** How Argo CD gets the manifests. */
export interface ArgoCdOptions {
  /**
   * The git repository with the manifests. With it `GlmApp` writes an Application each for the Jobs and for the servers of a chart, so that a job of days blocks no sync of the
   * servers, and one for what both need.
   *
   * @default - no Applications are written, and a chart is one file
   */
  readonly repositoryUrl?: string;

  /**
   * The branch, tag or commit.
   *
   * @default 'HEAD'
   */
  readonly revision?: string;

  /**
   * The output folder's path in the repository.
   *
   * @default 'dist'
   */
  readonly path?: string;

  /**
   * The AppProject.
   *
   * @default 'default'
   */
  readonly project?: string;

  /**
   * The namespace of the Applications.
   *
   * @default 'argocd'
   */
  readonly argoCdNamespace?: string;

  /**
   * The API server of the cluster that runs the workloads.
   *
   * @default 'https://kubernetes.default.svc'
   */
  readonly server?: string;

  /**
   * Whether Argo CD syncs by itself, removes what is gone and puts back what others change.
   *
   * @default true
   */
  readonly automated?: boolean;

  /**
   * Jobs keep their names when they change, and Argo CD replaces them. Without it a changed Job is a new object beside the old one.
   *
   * @default false
   */
  readonly stableJobNames?: boolean;
}

/** How Flux gets the manifests. */
export interface FluxOptions {
  /**
   * Kind of the source: `GitRepository`, `OCIRepository` or `Bucket`.
   *
   * @default 'GitRepository'
   */
  readonly sourceKind?: string;

  /**
   * Name of the source.
   *
   * @default 'flux-system'
   */
  readonly sourceName?: string;

  /**
   * The output folder's path in the source.
   *
   * @default 'dist'
   */
  readonly path?: string;

  /**
   * The namespace of the Kustomizations, and of the source.
   *
   * @default 'flux-system'
   */
  readonly fluxNamespace?: string;

  /**
   * How often Flux looks whether the cluster still is as it should be.
   *
   * @default Duration.minutes(10)
   */
  readonly interval?: Duration;

  /**
   * How long Flux waits for a stage with a Job that has no deadline. Other stages take it from the deadlines.
   *
   * @default Duration.days(7)
   */
  readonly timeout?: Duration;

  /**
   * Jobs keep their names when they change, and Flux replaces them. Without it a changed Job is a new object beside the old one.
   *
   * @default false
   */
  readonly stableJobNames?: boolean;
}
