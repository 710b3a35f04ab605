import { ArtifactFormat, Dtype, GlmModel, Runtime } from 'cdk8s-chatglm';

import { Artifact } from '../../lib/artifacts/artifact';
import type { ModelStepRequest, StepRequest } from '../../lib/runtimes/step-requests';
import { artifact, CHIP, STORE } from './synthesized';

/** The source tree of the guide. */
export const MODEL_LINK = artifact(ArtifactFormat.SOURCE_TREE, 'modellink');

/** The whole ATB stack. */
export const ATB = Runtime.atbModels({ image: 'registry.example/atb:1', modelSlimImage: 'registry.example/modelslim:1', sourceTree: MODEL_LINK });

/** The weights with a completed `config.json`. */
export const CHATGLM2 = artifact(ArtifactFormat.HUGGING_FACE, 'chatglm2');

/** What every step is asked with; its artifact is called `made`. */
export const STEP: StepRequest & { readonly model: GlmModel } = {
  model: GlmModel.CHATGLM2_6B, accelerator: CHIP, output: (format, definition) => Artifact._produced('made', STORE, format, definition),
};

/** The same for a step that runs the model in 16 bits on one device. */
export const MODEL_STEP: ModelStepRequest = { ...STEP, model: GlmModel.CHATGLM2_6B, weights: CHATGLM2, devices: 1, dtype: Dtype.FLOAT16, contextLength: 2048 };
