import { Chart } from 'cdk8s';
import { Dtype, GlmApp, NodeType, ScriptDelivery, SophonChatglm3Chart, SophonDevicePlugin, WeightSource } from 'cdk8s-chatglm';

const app = new GlmApp();

// Sophgo has no device plugin. This one hands out four chips of an SC7 224T one by one, and four together, and the chip of each SE7.
const nodes = new Chart(app, 'sophon-device-plugin', { namespace: 'device-plugins' });
const image = 'registry.corp.example/squat/generic-device-plugin:179b1fee';
const plugin = new SophonDevicePlugin(nodes, 'cards', {
  image, nodeSelector: { 'corp.example/tpu': 'sc7-224t' },
  units: [{ devicesPerUnit: 1, count: 4 }, { devicesPerUnit: 4, count: 1 }],
});
const socs = new SophonDevicePlugin(nodes, 'socs', { image, nodeSelector: { 'corp.example/tpu': 'se7' }, soc: true });

// An image of the folder container/ carries the scripts: a dozen of them would be a large manifest.
const scriptDelivery = ScriptDelivery.image('registry.corp.example/llm/chatglm-scripts:1.0');
const common = {
  namespace: 'llm',
  image: 'registry.corp.example/llm/sophon-chatglm:0.5.1-1',
  compilerImage: 'registry.corp.example/llm/tpu-mlir:1.8-beta-20240801',
  // The weights of ChatGLM3-6B with the code that LLM-TPU@edb7f13e patches, as the platform team keeps them.
  weightSource: WeightSource.archive({ url: 'https://models.corp.example/chatglm3-6b-2023-11.tar.gz', stripComponents: 1, trustOnFirstUse: true }),
  storageClassName: 'nfs',
};

// One chip: weights, patches, export, compilation in 8 bits, the Python extension, a server and a page.
new SophonChatglm3Chart(app, 'sophon-chatglm3', {
  ...common, dtype: Dtype.INT8,
  platform: { scriptDelivery, nodeTypes: [NodeType.SC7_224T_SERVER], devicePlugins: [plugin.devicePlugin(1)] },
});

// Four chips: LLM-TPU's own program on a terminal.
new SophonChatglm3Chart(app, 'sophon-chatglm3-four-chips', {
  ...common, devices: 4,
  platform: { scriptDelivery, nodeTypes: [NodeType.SC7_224T_SERVER], devicePlugins: [plugin.devicePlugin(4)] },
});

// A ready bmodel on a SoC.
new SophonChatglm3Chart(app, 'sophon-chatglm3-soc', {
  ...common, readyBmodel: true, dtype: Dtype.INT4,
  weightSource: WeightSource.http({
    files: [{ url: 'https://models.corp.example/chatglm3-6b_int4_1dev.bmodel' }, { url: 'https://models.corp.example/tokenizer.model' }], trustOnFirstUse: true,
  }),
  platform: { scriptDelivery, nodeTypes: [NodeType.SE7], devicePlugins: [socs.devicePlugin(1)] },
});

app.synth();
