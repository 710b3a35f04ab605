import type { Construct } from 'constructs';

import { DownloadFiles } from '../constructs/download-files';
import { DownloadWeights } from '../constructs/download-weights';
import { ConvertCheckpoint } from '../constructs/convert-checkpoint';
import type { Artifact } from '../lib/artifacts/artifact';
import { ArtifactFormat } from '../lib/artifacts/artifact-format';
import type { IArtifactStore } from '../lib/artifacts/artifact-store';
import { WeightSource } from '../lib/artifacts/weight-source';
import type { GlmModel } from '../lib/models/glm-model';
import type { MindFormersVersion } from '../lib/runtimes/mind-formers/version';
import type { Runtime } from '../lib/runtimes/runtime';

/** Where MindFormers keeps ready checkpoints, tokenizers and data (docs/model_cards of the guides). No checksum is published. */
const READY = 'https://ascend-repo-modelzoo.obs.cn-east-2.myhuaweicloud.com/XFormer_for_mindspore';
const ADGEN = 'https://cloud.tsinghua.edu.cn/f/b3f119a008264b1cabd1/?dl=1';

/** Files of MindFormers' own store. What the first download sees is recorded, and later ones must agree. */
export function readyFiles(...paths: readonly string[]): WeightSource {
  return WeightSource.http({ files: paths.map((path) => ({ url: `${READY}/${path}` })), trustOnFirstUse: true });
}

/** ADGEN as both guides download it: an archive with `AdvertiseGen/train.json` and `dev.json`. */
export function adgen(): WeightSource {
  return WeightSource.archive({ url: ADGEN, stripComponents: 1, trustOnFirstUse: true });
}

/** The checkpoint that a fine-tune starts from, and where it comes from. */
export interface BaseCheckpointProps {
  readonly store: IArtifactStore;
  readonly model: GlmModel;
  readonly runtime: Runtime;
  /** A ready checkpoint and its tokenizer. */
  readonly ready: WeightSource;
  /** The official weights, to be converted instead. */
  readonly weightSource?: WeightSource | undefined;
}

/** The checkpoint that a fine-tune starts from, and the official weights that it was made of, if it was. */
export interface BaseCheckpoint {
  readonly checkpoint: Artifact;
  readonly official?: Artifact;
}

/** Downloads a ready checkpoint, or the official weights and converts them. */
export function baseCheckpoint(scope: Construct, { store, model, runtime, ready, weightSource }: BaseCheckpointProps): BaseCheckpoint {
  if (weightSource === undefined) {
    return { checkpoint: new DownloadWeights(scope, 'checkpoint', { store, model, format: ArtifactFormat.MINDSPORE, source: ready }).artifact };
  }
  const official = new DownloadWeights(scope, 'weights', { store, model, source: weightSource }).artifact;
  return { checkpoint: new ConvertCheckpoint(scope, 'convert', { model, runtime, from: official }).artifact, official };
}

/** What the tuned checkpoint and the official weights were made with, and whether the way back is wanted. */
export interface TunedForOthersProps {
  readonly wanted: boolean | undefined;
  readonly model: GlmModel;
  readonly runtime: Runtime;
  readonly from: Artifact;
  readonly base: Artifact | undefined;
}

/** The tuned checkpoint as other runtimes read it, where that is wanted. */
export function tunedForOthers(scope: Construct, { wanted = false, base, ...props }: TunedForOthersProps): Artifact | undefined {
  if (!wanted) {
    return undefined;
  }
  if (base === undefined) {
    throw new Error('\'huggingFace\' needs \'weightSource\': configuration, remote code and tokenizer come from the official weights, and a ready checkpoint has none');
  }
  return new ConvertCheckpoint(scope, 'huggingface', { ...props, base }).artifact;
}

/** The source tree of a version. */
export function sourceTree(scope: Construct, store: IArtifactStore, { commit }: MindFormersVersion): Artifact {
  return new DownloadFiles(scope, 'mindformers', {
    store, format: ArtifactFormat.SOURCE_TREE, source: WeightSource.gitHubCommit('mindspore-lab/mindformers', commit), require: ['run_mindformer.py'],
  }).artifact;
}
