import { App, Chart, Size, Testing } from 'cdk8s';
import { ServiceType } from 'cdk8s-plus-27';
import { Construct } from 'constructs';
import {
  Accelerator, ArtifactFormat, Dtype, GlmFamily, GlmModel, type GlmModelProps, InferenceDeployment, type InferenceDeploymentProps, MemoryEstimate,
  type MemoryEstimateProps, MemoryTask, NodeType, Platform, Runtime, ServingBackend,
} from 'cdk8s-chatglm';

import { refuses } from '../support/bad-input';
import { artifact, chartWith, CHIP, everyVendor } from '../support/synthesized';
import { MIND_FORMERS, serve, SERVER } from '../support/workloads';

const IMAGE = 'registry.corp.example/llm/runtime:1.0';
const ATB: Partial<InferenceDeploymentProps> = {
  runtime: Runtime.atbModels({ image: IMAGE }), model: GlmModel.CHATGLM2_6B, accelerator: Accelerator.ASCEND_310P_300I_DUO_96G, backend: ServingBackend.ECHO,
};
const CAMBRICON: Partial<InferenceDeploymentProps> = {
  runtime: Runtime.cambriconPyTorch({ image: IMAGE }), model: GlmModel.CHATGLM_6B, accelerator: Accelerator.MLU370_X8, backend: ServingBackend.ECHO,
};
const SOPHON: Partial<InferenceDeploymentProps> = {
  runtime: Runtime.sophon({ image: IMAGE }), model: GlmModel.CHATGLM3_6B, accelerator: Accelerator.BM1684X, backend: ServingBackend.ECHO, dtype: Dtype.INT8,
};
const NO_TREE = '\'sourceTree\' of runtime \'atb-models\' is missing: the scripts and the model\'s code are in no package; '
  + 'DownloadFiles with ArtifactFormat.SOURCE_TREE and WeightSource.gitHubCommit(\'aeeeeeep/ModelLink\', ...) makes one';
const server = (...props: Partial<InferenceDeploymentProps>[]) => () => serve(Object.assign({}, ...props) as Partial<InferenceDeploymentProps>);

describe('counts, ports and lengths', () => {
  refuses([
    ['a negative number of replicas', server({ replicas: -1 }), '[test/chat] \'replicas\' must be a whole number from 0, got -1'],
    ['half a replica', server({ replicas: 1.5 }), '[test/chat] \'replicas\' must be a whole number from 0, got 1.5'],
    ['replicas that are no number', server({ replicas: NaN }), '[test/chat] \'replicas\' must be a whole number from 0, got NaN'],
    ['a privileged port', server({ containerPort: 80 }), '[test/chat] \'containerPort\' must be a whole number from 1024 to 65535, got 80'],
    ['a port that no host has', server({ containerPort: 65536 }), '[test/chat] \'containerPort\' must be a whole number from 1024 to 65535, got 65536'],
    ['half a port', server({ containerPort: 8000.5 }), '[test/chat] \'containerPort\' must be a whole number from 1024 to 65535, got 8000.5'],
    ['a Service on port 0', server({ servicePort: 0 }), '[test/chat] \'servicePort\' must be a whole number from 1 to 65535, got 0'],
    ['a Service without pods', server({ serviceType: ServiceType.EXTERNAL_NAME }), '[test/chat] \'serviceType\' must be ClusterIP, NodePort or LoadBalancer, got ExternalName, which has no pods behind it'],
    ['a Service on port 70000', server({ servicePort: 70000 }), '[test/chat] \'servicePort\' must be a whole number from 1 to 65535, got 70000'],
    ['no context', server({ contextLength: 0 }), '[test/chat] \'contextLength\' must be a whole number from 1 to 8192 for chatglm3-6b, got 0'],
    ['half a token', server({ contextLength: 100.5 }), '[test/chat] \'contextLength\' must be a whole number from 1 to 8192 for chatglm3-6b, got 100.5'],
    ['more context than the model has', server({ contextLength: 8193 }), '[test/chat] \'contextLength\' must be a whole number from 1 to 8192 for chatglm3-6b, got 8193'],
    ['more context than ChatGLM-6B has', server(CAMBRICON, { contextLength: 4096 }), '[test/chat] \'contextLength\' must be a whole number from 1 to 2048 for chatglm-6b, got 4096'],
  ]);
});

describe('runtimes, models, chips and backends', () => {
  refuses([
    ['a runtime without its chip', server(ATB, { accelerator: undefined }), '[test/chat] \'accelerator\' is missing: runtime \'atb-models\' needs one'],
    ['a chip that the runtime does not support', server(ATB, { accelerator: Accelerator.ASCEND_910A }), '[test/chat] runtime \'atb-models\' does not support Ascend910A, which is supported by mindformers; its kernels know the SoC versions of 310P (200 to 203) and of 910B (220 to 224) only'],
    ['an Ascend runtime on a Cambricon card', server(ATB, { accelerator: Accelerator.MLU370_X8 }), '[test/chat] runtime \'atb-models\' does not support MLU370-X8, which is supported by cambricon-pytorch'],
    ['a chip that no runtime supports', server(CAMBRICON, { accelerator: Accelerator.MLU590 }), '[test/chat] runtime \'cambricon-pytorch\' does not support MLU590, which is supported by no runtime of this library'],
    ['a model that the runtime does not support', server(ATB, { model: GlmModel.GLM_4_9B_CHAT }), '[test/chat] runtime \'atb-models\' does not support glm-4-9b-chat; it supports chatglm2-6b, chatglm2-6b-32k'],
    ['ChatGLM2 on Cambricon', server(CAMBRICON, { model: GlmModel.CHATGLM2_6B }), '[test/chat] runtime \'cambricon-pytorch\' does not support chatglm2-6b; it supports chatglm-6b'],
    ['ChatGLM-6B on Sophgo', server(SOPHON, { model: GlmModel.CHATGLM_6B }), '[test/chat] runtime \'sophon\' does not support chatglm-6b; it supports chatglm3-6b'],
    ['a model of one\'s own that the runtime does not know', server(SOPHON, { model: glm({ family: GlmFamily.GLM4 }) }), '[test/chat] runtime \'sophon\' does not support my-glm; it supports chatglm3-6b'],
    ['weights without the source tree', server(ATB, { backend: undefined, weights: artifact(ArtifactFormat.HUGGING_FACE) }), `[test/chat] ${NO_TREE}`],
    ['no weights for the runtime\'s own backend', server(ATB, { backend: undefined }), '[test/chat] \'weights\' are missing: runtime \'atb-models\' serves an artifact of format huggingface'],
    ['a published model where a bmodel belongs', server(SOPHON, { weights: artifact(ArtifactFormat.HUGGING_FACE) }), '[test/chat] \'weights\' must hold bmodel, got huggingface (some-huggingface); runtime \'sophon\' reads no other'],
    ['a bmodel where a published model belongs', server(ATB, { weights: artifact(ArtifactFormat.BMODEL) }), '[test/chat] \'weights\' must hold huggingface or atb-sharded or atb-quantized-sharded or atb-compressed, got bmodel (some-bmodel); runtime \'atb-models\' reads no other'],
    ['shards where a checkpoint belongs', server({ runtime: MIND_FORMERS, accelerator: CHIP, backend: ServingBackend.ECHO, weights: artifact(ArtifactFormat.MINDSPORE_SHARDS) }), '[test/chat] \'weights\' must hold mindspore, got mindspore-shards (some-mindspore-shards); runtime \'mindformers\' reads no other'],
    ['three devices of tensor parallelism', server(ATB, { devices: 3 }), '[test/chat] \'devices\' must be one of 1, 2, 4 for runtime \'atb-models\' on Ascend310P 300I Duo 96G, got 3'],
    ['eight devices on a 310P', server(ATB, { devices: 8 }), '[test/chat] \'devices\' must be one of 1, 2, 4 for runtime \'atb-models\' on Ascend310P 300I Duo 96G, got 8'],
    ['two devices on Cambricon, which cannot split a model', server(CAMBRICON, { devices: 2 }), '[test/chat] \'devices\' must be 1 for runtime \'cambricon-pytorch\', got 2: it cannot split a model; use \'replicas\' for more'],
    ['three chips for a bmodel', server(SOPHON, { devices: 3 }), '[test/chat] \'devices\' must be one of 1, 2, 4, 8 for runtime \'sophon\', as the bmodel was compiled for, got 3'],
  ]);
});

describe('images', () => {
  const image = (name: string) => () => Runtime.echo({ image: name });
  refuses([
    ['an empty image', image(''), '\'image\' must be an image like \'registry.example/path/name:tag\', got \'\''],
    ['an image without a tag', image('python'), '\'image\' must be pinned by a full tag or a digest, got \'python\''],
    ['an image that moves', image('python:latest'), '\'image\' must be pinned by a full tag or a digest, got \'python:latest\''],
    ['a repository in capitals', image('registry.corp.example/LLM/Runtime:1.0'), '\'image\' must be an image like \'registry.example/path/name:tag\', got \'registry.corp.example/LLM/Runtime:1.0\''],
    ['an image with a scheme', image('https://registry.corp.example/runtime:1.0'), '\'image\' must be an image like \'registry.example/path/name:tag\', got \'https://registry.corp.example/runtime:1.0\''],
    ['an image with a space', image('runtime: 1.0'), '\'image\' must be an image like \'registry.example/path/name:tag\', got \'runtime: 1.0\''],
    ['a second line after the image', image('runtime:1.0\nprivileged: true'), '\'image\' must be an image like \'registry.example/path/name:tag\', got \'runtime:1.0\nprivileged: true\''],
    ['a digest that is cut', image('runtime@sha256:abc'), '\'image\' must be an image like \'registry.example/path/name:tag\', got \'runtime@sha256:abc\''],
    ['a tag that is an option', image('runtime:-1'), '\'image\' must be an image like \'registry.example/path/name:tag\', got \'runtime:-1\''],
    ['an ATB image without a tag', () => Runtime.atbModels({ image: 'atb' }), '\'image\' must be pinned by a full tag or a digest, got \'atb\''],
    ['a Cambricon image without a tag', () => Runtime.cambriconPyTorch({ image: 'yellow.hub.cambricon.com/pytorch/pytorch' }), '\'image\' must be pinned by a full tag or a digest, got \'yellow.hub.cambricon.com/pytorch/pytorch\''],
    ['a Sophgo image that moves', () => Runtime.sophon({ image: 'sophon:latest' }), '\'image\' must be pinned by a full tag or a digest, got \'sophon:latest\''],
  ]);
});

describe('precision and memory', () => {
  refuses([
    ['bf16 on 910A', server({ accelerator: Accelerator.ASCEND_910A, dtype: Dtype.BFLOAT16 }), '[test/chat] \'dtype\' must be one of float32, float16, int8 on Ascend910A, got bfloat16'],
    ['bf16 on 310P', server(ATB, { dtype: Dtype.BFLOAT16 }), '[test/chat] \'dtype\' must be one of float32, float16, int8 on Ascend310P 300I Duo 96G, got bfloat16'],
    ['int4 on MLU370', server(CAMBRICON, { dtype: Dtype.INT4 }), '[test/chat] \'dtype\' must be one of float32, float16, int8 on MLU370-X8, got int4'],
    ['a chip whose memory nobody knows', () => serve({ accelerator: Accelerator.MLU370_S4 }, { ...everyVendor(), nodeTypes: [] }), '[test/chat] \'deviceMemory\' is needed: no source tells the memory of MLU370-S4; give it, or set \'skipMemoryCheck\''],
    ['ChatGLM3-6B in float16 on BM1684X with a long context', server(SOPHON, { dtype: Dtype.FLOAT16, model: GlmModel.CHATGLM3_6B, contextLength: 8192, deviceMemory: Size.gibibytes(12) }), '[test/chat] chatglm3-6b needs 12.6 GiB on each of 1 devices to serve in float16 with 1 x 8192 tokens, and BM1684X has 12.0 GiB: 0.6 GiB too little; splitting the model over 2 times as many devices would fit, or set \'skipMemoryCheck\''],
    ['GLM-4-9B in float16 on BM1684X, which needs more chips', server({ model: GlmModel.GLM_4_9B, accelerator: Accelerator.BM1684X }), '[test/chat] glm-4-9b needs 18.3 GiB on each of 1 devices to serve in float16 with 1 x 2048 tokens, and BM1684X has 16.0 GiB: 2.3 GiB too little; splitting the model over 2 times as many devices would fit, or set \'skipMemoryCheck\''],
    ['ChatGLM-6B in float32 on MLU370-X8', server(CAMBRICON, { dtype: Dtype.FLOAT32 }), '[test/chat] chatglm-6b needs 26.6 GiB on each of 1 devices to serve in float32 with 1 x 2048 tokens, and MLU370-X8 has 24.0 GiB: 2.6 GiB too little; splitting the model over 2 times as many devices would fit, or set \'skipMemoryCheck\''],
    ['a million tokens on one 910B3', server({ model: GlmModel.GLM_4_9B_CHAT_1M, accelerator: CHIP, contextLength: 1048576 }), '[test/chat] glm-4-9b-chat-1m needs 98.4 GiB on each of 1 devices to serve in float16 with 1 x 1048576 tokens, and Ascend910B3 has 64.0 GiB: 34.4 GiB too little; 597056 tokens would fit, or set \'skipMemoryCheck\''],
    ['a device without memory', server(ATB, { deviceMemory: Size.gibibytes(0) }), '[test/chat] chatglm2-6b needs 12.4 GiB on each of 1 devices to serve in float16 with 1 x 2048 tokens, and Ascend310P 300I Duo 96G has 0.0 GiB: 12.4 GiB too little; use a chip with more memory, or set \'skipMemoryCheck\''],
  ]);
});

const estimate = (props: Partial<MemoryEstimateProps>) => () => MemoryEstimate.bytesPerDevice({
  model: GlmModel.CHATGLM3_6B, dtype: Dtype.FLOAT16, task: MemoryTask.INFERENCE, seqLength: 2048, batch: 1, devices: 1, ...props,
});

function glm(props: Partial<GlmModelProps>): GlmModel {
  return GlmModel.custom({
    name: 'my-glm', family: GlmFamily.CHATGLM3, weightsBytes: 12e9, maxSequenceLength: 8192, license: 'mine',
    shape: { layers: 28, hiddenSize: 4096, ffnHiddenSize: 13696, heads: 32, kvHeads: 2, vocabSize: 65024 }, ...props,
  });
}

describe('models and estimates of one\'s own', () => {
  const shape = { layers: 28, hiddenSize: 4096, ffnHiddenSize: 13696, heads: 32, kvHeads: 2, vocabSize: 65024 };
  refuses([
    ['a model whose name climbs', () => glm({ name: '../chatglm' }), '\'name\' of a model must be lower case letters, digits, \'-\' and \'.\', at most 52, got \'../chatglm\''],
    ['a model in capitals', () => glm({ name: 'ChatGLM' }), '\'name\' of a model must be lower case letters, digits, \'-\' and \'.\', at most 52, got \'ChatGLM\''],
    ['a model without weights', () => glm({ weightsBytes: 0 }), '\'weightsBytes\' of model \'my-glm\' must be a whole number from 1, got 0'],
    ['a model of half a layer', () => glm({ shape: { ...shape, layers: 0.5 } }), '\'layers\' of model \'my-glm\' must be a whole number from 1, got 0.5'],
    ['heads that do not divide the hidden size', () => glm({ shape: { ...shape, heads: 30 } }), '\'heads\' of model \'my-glm\' must divide \'hiddenSize\' and be a multiple of \'kvHeads\', got 30, 4096 and 2'],
    ['more groups than heads', () => glm({ shape: { ...shape, kvHeads: 64 } }), '\'heads\' of model \'my-glm\' must divide \'hiddenSize\' and be a multiple of \'kvHeads\', got 32, 4096 and 64'],
    ['weights in pickles', () => glm({ weightFiles: 'pkl' }), '\'weightFiles\' of model \'my-glm\' must be \'bin\' or \'safetensors\', got \'pkl\''],
    ['an estimate for no devices', estimate({ devices: 0 }), '\'devices\' of a memory estimate must be a whole number from 1, got 0'],
    ['an estimate for half a sequence', estimate({ batch: 0.5 }), '\'batch\' of a memory estimate must be a whole number from 1, got 0.5'],
    ['replicas that do not divide the devices', estimate({ devices: 8, devicesPerReplica: 3 }), '\'devicesPerReplica\' must divide \'devices\', got 3 and 8'],
  ]);
});

describe('where a server stands', () => {
  refuses([
    ['outside of any chart', () => new InferenceDeployment(new App(), 'chat', SERVER), '[chat] cannot find a parent chart (directly or indirectly)'],
    ['an id in capitals', () => new InferenceDeployment(chartWith(), 'ChatServer', SERVER), '[test/ChatServer] construct ids become Kubernetes names, so they must be kebab-case like \'finetune-adgen\', got \'ChatServer\''],
    ['an id with an underscore', () => new InferenceDeployment(chartWith(), 'chat_server', SERVER), '[test/chat_server] construct ids become Kubernetes names, so they must be kebab-case like \'finetune-adgen\', got \'chat_server\''],
    ['a scope above it in capitals', () => new InferenceDeployment(new Construct(chartWith(), 'TeamA'), 'chat', SERVER), '[test/TeamA/chat] construct ids become Kubernetes names, so they must be kebab-case like \'finetune-adgen\', got \'TeamA\''],
    ['the name of another construct', () => {
      const chart = chartWith();
      new InferenceDeployment(chart, 'team-chat', SERVER);
      new InferenceDeployment(new Construct(chart, 'team'), 'chat', SERVER);
    }, '[test/team/chat] its objects would be called \'test-team-chat\' like those of test/team-chat; give one of the two another id'],
    ['the name of another construct, in another chart of the namespace', () => {
      const app = Testing.app();
      new InferenceDeployment(new Chart(app, 'llm', { namespace: 'llm' }), 'team-chat', SERVER);
      new InferenceDeployment(new Chart(app, 'llm-team', { namespace: 'llm' }), 'chat', SERVER);
    }, '[llm-team/chat] its objects would be called \'llm-team-chat\' like those of llm/team-chat; give one of the two another id'],
    ['a platform below constructs', () => Platform.attach(new InferenceDeployment(chartWith(), 'chat', SERVER), { nodeTypes: [NodeType.SE7] }), '[test/chat] Platform.attach comes too late: \'test/chat\' has 2 constructs already (first \'Resource\'); attach the platform before creating them, and the Secrets that it names in another scope'],
  ]);
});
