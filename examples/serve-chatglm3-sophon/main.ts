import { Chart, Size } from 'cdk8s';
import {
  Accelerator, Artifact, ArtifactFormat, DevicePlugin, Dtype, EnvPresets, GlmApp, GlmModel, InferenceDeployment, ModelStore, NodeType, Platform,
  Runtime, ServingBackend,
} from 'cdk8s-chatglm';

const app = new GlmApp();
const chart = new Chart(app, 'serve-chatglm3-sophon', { namespace: 'llm' });
Platform.attach(chart, {
  nodeTypes: [NodeType.SC7_HP75_SERVER],
  devicePlugins: [DevicePlugin.genericDevicePlugin({ name: 'bm1684x' })],
});

const store = new ModelStore(chart, 'store', { size: Size.gibibytes(100), storageClassName: 'nfs' });

// TPU-MLIR's compile.sh wrote chatglm3-6b_int8_1dev.bmodel here, beside tokenizer.model.
const weights = Artifact.existing({ store, directory: 'chatglm3-6b-int8-1dev', format: ArtifactFormat.BMODEL });

new InferenceDeployment(chart, 'chat', {
  model: GlmModel.CHATGLM3_6B,
  weights,
  runtime: Runtime.sophon({ image: 'registry.corp.example/llm/sophon-chatglm3:edb7f13e' }),
  backend: ServingBackend.ECHO, // the server, its device and weights without the model
  accelerator: Accelerator.BM1684X,
  dtype: Dtype.INT8,
  contextLength: 512,
  presets: [EnvPresets.SOPHON],
});

app.synth();
