import { Chart, Size } from 'cdk8s';
import {
  Accelerator, Artifact, DevicePlugin, EnvPresets, GlmApp, GlmModel, InferenceDeployment, ModelStore, NodeType, Platform, Runtime, Scheduler,
  ServingBackend, WeightSource,
} from 'cdk8s-chatglm';

const app = new GlmApp();
const chart = new Chart(app, 'serve-chatglm2-ascend', { namespace: 'llm' });
Platform.attach(chart, {
  nodeTypes: [NodeType.ATLAS_300I_DUO_SERVER],
  devicePlugins: [DevicePlugin.mindCluster({ version: '26.1.0' })],
  scheduler: Scheduler.volcano({ queue: 'llm' }),
  imageRegistry: 'harbor.corp.example/mirror',
});

const store = new ModelStore(chart, 'store', { size: Size.gibibytes(50), storageClassName: 'nfs' });
const model = GlmModel.CHATGLM2_6B;

// The revision is the one that the runtime's guide was written for. The pod downloads it unless the store has it.
const weights = Artifact.downloadedInPod({ store, model, source: WeightSource.huggingFace(model, { runtime: 'atb-models' }) });

new InferenceDeployment(chart, 'chat', {
  model,
  weights,
  runtime: Runtime.atbModels({ image: 'registry.corp.example/llm/atb-models-chatglm2:cann7.0.0-839b2483' }),
  backend: ServingBackend.ECHO, // the server, its devices, weights and environment without the model
  accelerator: Accelerator.ASCEND_310P_300I_DUO_96G,
  contextLength: 4096,
  presets: [EnvPresets.HCCL_INFERENCE, EnvPresets.ATB.with({ MAX_SEQ_LEN: '4096' })],
});

app.synth();
