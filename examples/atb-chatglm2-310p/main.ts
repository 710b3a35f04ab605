import { App } from 'cdk8s';
import { Accelerator, AtbChatglm2Chart, AtbPrecision, DevicePlugin, NodeType, Scheduler } from 'cdk8s-chatglm';

// ChatGLM2-6B on an Atlas 300I Duo, from nothing: sparse weights, made here and compressed for the card's two chips, measured and served with a chat page.
const app = new App();
new AtbChatglm2Chart(app, 'atb-chatglm2-310p', {
  namespace: 'llm',
  platform: {
    nodeTypes: [NodeType.ATLAS_300I_DUO_SERVER],
    devicePlugins: [DevicePlugin.mindCluster({ version: '26.1.0' })],
    scheduler: Scheduler.volcano({ queue: 'llm' }),
    imageRegistry: 'harbor.corp.example/mirror',
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
