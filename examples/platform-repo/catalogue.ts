import type { Construct } from 'constructs';

import {
  type Artifact, ArtifactFormat, ConvertCheckpoint, DownloadWeights, Dtype, GlmModel, type IArtifactStore, ModelPatch, PatchModel, Runtime, WeightSource,
} from 'cdk8s-chatglm';

/** What tenants may ask for: a model on a chip. */
export interface Offer {
  readonly model: GlmModel;
  /** A chip by its name in tenants.yaml. */
  readonly chip: string;
  readonly runtime: Runtime;
  readonly format: ArtifactFormat;
  readonly dtype?: Dtype;
  /** Whether the server checks no keys of clients; the Ingress must then. */
  readonly keyless?: boolean;
  /** What makes the weights on the store of the platform team; offers with the same function share them. */
  readonly weights: (scope: Construct, store: IArtifactStore) => Artifact;
}

const IMAGES = 'registry.corp.example/llm';
const MINDIE_910B = Runtime.mindIe({ image: `${IMAGES}/mindie:2.3.0-800I-A2-py311-openeuler24.03-lts` });
const MINDIE_310P = Runtime.mindIe({ image: `${IMAGES}/mindie:2.3.0-300I-Duo-py311-openeuler24.03-lts` });
const CHATGLM3 = fromHuggingFace(GlmModel.CHATGLM3_6B, 'mindie');

/** One row each; clusters download what their chips can run, whether a tenant uses it or not, so that tenants come and go without a change here. */
export const OFFERS: readonly Offer[] = [
  { model: GlmModel.CHATGLM3_6B, chip: '910B', runtime: MINDIE_910B, keyless: true, format: ArtifactFormat.HUGGING_FACE, weights: CHATGLM3 },
  { model: GlmModel.CHATGLM2_6B, chip: '910B', runtime: MINDIE_910B, keyless: true, format: ArtifactFormat.HUGGING_FACE, weights: chatglm2 },
  { model: GlmModel.CHATGLM2_6B, chip: '310P', runtime: MINDIE_310P, keyless: true, format: ArtifactFormat.HUGGING_FACE, weights: chatglm2 },
  {
    model: GlmModel.CHATGLM_6B, chip: 'MLU370', format: ArtifactFormat.HUGGING_FACE, weights: patchedForTorch19,
    // The image has a migrated transformers and what the model needs.
    runtime: Runtime.cambriconPyTorch({ image: `${IMAGES}/chatglm-mlu:torch1.9-1` }),
  },
  {
    model: GlmModel.CHATGLM3_6B, chip: 'BM1684X', format: ArtifactFormat.BMODEL, dtype: Dtype.INT8, weights: readyBmodel,
    // The image has the extension that LLM-TPU's Python demo loads.
    runtime: Runtime.sophon({ image: `${IMAGES}/sophon-chatglm3:edb7f13e` }),
  },
];

function fromHuggingFace(model: GlmModel, runtime: string): Offer['weights'] {
  return (scope, store) => new DownloadWeights(scope, `${model.name}-${runtime}`, { store, model, source: WeightSource.huggingFace(model, { runtime }) }).artifact;
}

/** The repository has .bin files, and MindIE reads only safetensors. */
function chatglm2(scope: Construct, store: IArtifactStore): Artifact {
  const model = GlmModel.CHATGLM2_6B;
  const from = fromHuggingFace(model, 'atb-models')(scope, store);
  return new ConvertCheckpoint(scope, `${model.name}-safetensors`, { model, runtime: MINDIE_910B, from }).artifact;
}

/** The archive is the platform team's own: publish its SHA-256 as `sha256` instead of trusting the first download. */
function patchedForTorch19(scope: Construct, store: IArtifactStore): Artifact {
  const source = WeightSource.archive({ url: 'https://models.corp.example/chatglm-6b-2023-05.tar.gz', stripComponents: 1, trustOnFirstUse: true });
  const weights = new DownloadWeights(scope, 'chatglm-6b', { store, model: GlmModel.CHATGLM_6B, source }).artifact;
  return new PatchModel(scope, 'chatglm-6b-torch19', { weights, patches: ModelPatch.forTorch19() }).artifact;
}

function readyBmodel(scope: Construct, store: IArtifactStore): Artifact {
  const files = ['chatglm3-6b_int8_1dev.bmodel', 'tokenizer.model'].map((file) => ({ url: `https://models.corp.example/${file}` }));
  const source = WeightSource.http({ files, trustOnFirstUse: true });
  return new DownloadWeights(scope, 'chatglm3-6b-bmodel', { store, model: GlmModel.CHATGLM3_6B, format: ArtifactFormat.BMODEL, source }).artifact;
}
