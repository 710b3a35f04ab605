import { type Duration, type ApiObject } from 'cdk8s';
import type { Construct } from 'constructs';

import type { Artifact, ArtifactDownload } from '../lib/artifacts/artifact';
import { downloadTask } from '../lib/artifacts/download-task';
import { Platform } from '../lib/platform';
import type { WorkloadOptions } from '../lib/workload-options';
import { WorkloadKind } from '../lib/workloads/workload-kind';
import { renderBatchTask } from './batch-task';

/** What every download lets its user say. */
export interface DownloadOptions extends WorkloadOptions {
  /**
   * An image with Python 3.7 or later.
   *
   * @default - a small public Python image
   */
  readonly image?: string;

  /**
   * How often a failed pod is tried again. Faults that no retry can mend, such as a refused token, end the Job at once.
   *
   * @default 10
   */
  readonly backoffLimit?: number;

  /**
   * Delete the finished Job after this time. Not with Argo CD or Flux, which would run it again.
   *
   * @default - it is kept
   */
  readonly ttlAfterFinished?: Duration;
}

/** Renders a download as a Job. */
export function renderDownload(scope: Construct, artifact: Artifact, download: ArtifactDownload, options: DownloadOptions): ApiObject {
  return renderBatchTask(scope, {
    task: downloadTask(artifact, download, Platform.of(scope), options.image),
    kind: WorkloadKind.JOB,
    pods: 1,
    options,
    backoffLimit: checkBackoffLimit(options.backoffLimit ?? 10),
    ttlSecondsAfterFinished: options.ttlAfterFinished?.toSeconds(),
  });
}

/** Throws unless it is a whole number from 0. */
export function checkBackoffLimit(backoffLimit: number): number {
  if (!Number.isInteger(backoffLimit) || backoffLimit < 0) {
    throw new Error(`'backoffLimit' must be a whole number from 0, got ${String(backoffLimit)}`);
  }
  return backoffLimit;
}
