import type { ISecret } from 'cdk8s-plus-27';
import { Construct } from 'constructs';

import type { Artifact } from '../lib/artifacts/artifact';
import { checkBucketHost } from '../lib/artifacts/bucket-address';
import { uploadTask } from '../lib/artifacts/upload-task';
import { checkUrl } from '../lib/artifacts/weight-source';
import { Platform } from '../lib/platform';
import { WorkloadKind } from '../lib/workloads/workload-kind';
import { renderBatchTask } from './batch-task';
import { checkBackoffLimit, type DownloadOptions } from './download-options';
import { located } from './located';

/** An artifact to copy to an object store. */
export interface UploadArtifactProps extends DownloadOptions {
  /** The artifact. */
  readonly artifact: Artifact;
  /** URL of the S3-compatible store, e.g. `https://obs.cn-north-4.myhuaweicloud.com`. */
  readonly endpoint: string;
  /** The bucket. */
  readonly bucket: string;
  /** The Secret with the keys `accessKey` and `secretKey`. */
  readonly credentialsSecret: ISecret;

  /**
   * What the keys of the objects begin with.
   *
   * @default - the artifact's directory, which tells its lineage
   */
  readonly prefix?: string;

  /**
   * Whether the bucket goes into the host name, `https://<bucket>.<endpoint>/`, and not into the path.
   *
   * @default - as the endpoint wants it: in the host for Huawei OBS and Alibaba OSS, else in the path
   */
  readonly virtualHosted?: boolean;

  /**
   * The region that requests are signed for.
   *
   * @default 'us-east-1'
   */
  readonly region?: string;
}

/** A Job that copies an artifact to an S3-compatible store, such as Huawei OBS or MinIO: resumable, with a manifest written last. */
export class UploadArtifact extends Construct {
  /**
   * @throws if the endpoint is not http or https, the bucket's name not legal, no certificate covers its host, or the artifact has no marker
   */
  constructor(scope: Construct, id: string, props: UploadArtifactProps) {
    super(scope, id);
    located(this, () => { this.render(props); });
  }

  private render(props: UploadArtifactProps): void {
    const { artifact, endpoint, bucket, region, virtualHosted, credentialsSecret, prefix = artifact.directory } = props;
    checkUrl('endpoint', endpoint);
    if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket)) {
      throw new Error(`'bucket' must be a bucket's name, got '${bucket}'`);
    }
    checkBucketHost(endpoint, bucket, virtualHosted);
    renderBatchTask(this, {
      task: uploadTask(artifact, { endpoint, bucket, prefix, region, virtualHosted, secretName: credentialsSecret.name }, Platform.of(this), props.image),
      kind: WorkloadKind.JOB, pods: 1, options: props,
      backoffLimit: checkBackoffLimit(props.backoffLimit ?? 10),
      ttlSecondsAfterFinished: props.ttlAfterFinished?.toSeconds(),
    });
  }
}
