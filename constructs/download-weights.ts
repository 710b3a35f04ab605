import { Construct } from 'constructs';

import { Artifact, type DownloadedWeightsProps, weightsDownload } from '../lib/artifacts/artifact';
import { checkGiven } from '../lib/required-props';
import { type DownloadOptions, renderDownload } from './download-options';
import { located } from './located';

/** Weights to download once, by a Job. */
export interface DownloadWeightsProps extends DownloadOptions, DownloadedWeightsProps {}

/**
 * A Job that downloads a model's weights to a store: resumable, every file verified, complete or not there at all. It ends at once
 * when they are there.
 */
export class DownloadWeights extends Construct {
  /** The weights, for the constructs that read them. */
  public readonly artifact: Artifact;

  /**
   * @throws if the store is read-only, or the image is not pinned
   */
  constructor(scope: Construct, id: string, props: DownloadWeightsProps) {
    super(scope, id);
    located(this, () => { checkGiven(props, 'store', 'source', 'model'); });
    this.artifact = located(this, () => Artifact._weights(props, false));
    located(this, () => renderDownload(this, this.artifact, weightsDownload(props), props));
  }
}
