import { Chart, Size } from 'cdk8s';
import {
  Accelerator, DevicePlugin, DownloadWeights, EnvPresets, GlmApp, GlmModel, InferenceDeployment, ModelStore, NodeType, Platform, Runtime,
  ServingBackend, WeightSource,
} from 'cdk8s-chatglm';

const app = new GlmApp();
const chart = new Chart(app, 'serve-chatglm-cambricon', { namespace: 'llm' });
Platform.attach(chart, {
  nodeTypes: [NodeType.MLU370_X8_SERVER],
  devicePlugins: [DevicePlugin.cambricon()],
  huggingFaceEndpoint: 'https://hf-mirror.com',
});

const store = new ModelStore(chart, 'store', { size: Size.gibibytes(50), storageClassName: 'nfs' });
const model = GlmModel.CHATGLM_6B;

// The guide names no revision; pin the one that you tested and drop 'trustOnFirstUse'.
const weights = new DownloadWeights(chart, 'weights', {
  store, model,
  source: WeightSource.huggingFace(model, { revision: 'main', trustOnFirstUse: true }),
});

new InferenceDeployment(chart, 'chat', {
  model,
  weights: weights.artifact,
  runtime: Runtime.cambriconPyTorch({ image: 'registry.corp.example/llm/chatglm-mlu:torch1.9-1' }),
  backend: ServingBackend.ECHO, // the server, its device and weights without the model
  accelerator: Accelerator.MLU370_X8,
  presets: [EnvPresets.MLU],
});

app.synth();
