import { Accelerator, AtbChatglm2Chart, AtbPrecision, DevicePlugin, GlmApp, NodeType, ScriptDelivery } from 'cdk8s-chatglm';

// ChatGLM2-6B on an Atlas 800I A2: quantized weights as published, cut for four chips, measured and served.
const app = new GlmApp();
new AtbChatglm2Chart(app, 'atb-chatglm2-910b', {
  namespace: 'llm',
  platform: {
    nodeTypes: [NodeType.ATLAS_800I_A2],
    devicePlugins: [DevicePlugin.mindCluster({ version: '26.1.0' })],
    // An image of the folder container/ carries the scripts: a dozen of them would be a large manifest.
    scriptDelivery: ScriptDelivery.image('registry.corp.example/llm/chatglm-scripts:1.0'),
  },
  accelerator: Accelerator.ASCEND_910B4,
  precision: AtbPrecision.W8A8,
  tensorParallel: 4,
  image: 'registry.corp.example/llm/atb-models-chatglm2:cann7.0.0-839b2483',
  storageClassName: 'nfs',
  contextLength: 8192,
});

app.synth();
