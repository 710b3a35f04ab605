import { Size } from 'cdk8s';
import { Accelerator, CambriconChatglmChart, DevicePlugin, GlmApp, NodeType, ScriptDelivery, WeightSource } from 'cdk8s-chatglm';

// ChatGLM-6B on an MLU370-X8, from nothing: sources migrated by the vendor's tool, the model's code patched for torch 1.9, a server, a page and a benchmark.
const app = new GlmApp();
new CambriconChatglmChart(app, 'cambricon-chatglm', {
  namespace: 'llm',
  platform: {
    nodeTypes: [NodeType.MLU370_X8_SERVER],
    devicePlugins: [DevicePlugin.cambricon()],
    // An image of the folder container/ carries the scripts: a dozen of them would be a large manifest.
    scriptDelivery: ScriptDelivery.image('registry.corp.example/llm/chatglm-scripts:1.0'),
  },
  accelerator: Accelerator.MLU370_X8,
  image: 'registry.corp.example/llm/chatglm-mlu:torch1.9-1',
  // The weights that go with ChatGLM-6B@82c084b, as the platform team keeps them.
  weightSource: WeightSource.archive({ url: 'https://models.corp.example/chatglm-6b-2023-05.tar.gz', stripComponents: 1, trustOnFirstUse: true }),
  storageClassName: 'nfs',
  storeSize: Size.gibibytes(60),
  cli: true,
});

app.synth();
