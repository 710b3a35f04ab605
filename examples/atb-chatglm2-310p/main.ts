import { Accelerator, AtbChatglm2Chart, AtbPrecision, DevicePlugin, GlmApp, NodeType, Scheduler, ScriptDelivery } from 'cdk8s-chatglm';

// ChatGLM2-6B on an Atlas 300I Duo, from nothing: sparse weights, made here and compressed for the card's two chips, measured and served with a chat page.
const app = new GlmApp();
new AtbChatglm2Chart(app, 'atb-chatglm2-310p', {
  namespace: 'llm',
  platform: {
    nodeTypes: [NodeType.ATLAS_300I_DUO_SERVER],
    devicePlugins: [DevicePlugin.mindCluster({ version: '26.1.0' })],
    scheduler: Scheduler.volcano({ queue: 'llm' }),
    imageRegistry: 'harbor.corp.example/mirror',
    // An image of the folder container/ carries the scripts: a dozen of them would be a large manifest.
    scriptDelivery: ScriptDelivery.image('registry.corp.example/llm/chatglm-scripts:1.0'),
  },
  accelerator: Accelerator.ASCEND_310P_300I_DUO_96G,
  precision: AtbPrecision.SPARSE,
  tensorParallel: 2,
  image: 'registry.corp.example/llm/atb-models-chatglm2:cann7.0.0-839b2483',
  modelSlimImage: 'registry.corp.example/llm/modelslim:cann7.0.0-torch2.0.0',
  webImage: 'registry.corp.example/llm/gradio:3.39.0',
  storageClassName: 'nfs',
  benchmarkPairs: [{ input: 256, output: 256 }, { input: 8192, output: 1024 }],
  minimumScore: 0.5,
});

app.synth();
