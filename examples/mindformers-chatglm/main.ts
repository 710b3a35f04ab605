import { DevicePlugin, GlmApp, MindFormersGlmChart, type MindFormersGlmChartProps, MindFormersProgram, NodeType, ScriptDelivery } from 'cdk8s-chatglm';

const app = new GlmApp();
const common: MindFormersGlmChartProps = {
  namespace: 'llm',
  // Four charts with the same scripts: an image of the folder container/ carries them, not a ConfigMap of each chart.
  platform: {
    nodeTypes: [NodeType.ATLAS_800_9000],
    devicePlugins: [DevicePlugin.mindCluster({ version: '26.0' })],
    scriptDelivery: ScriptDelivery.image('registry.corp.example/llm/chatglm-scripts:1.0'),
  },
  storageClassName: 'nfs',
  // No public image goes with this version; build one with MindSpore 2.0.0rc1 and the requirements of the commit.
  image: 'registry.corp.example/llm/mindformers:c8a5808-mindspore2.0.0rc1',
};

// All parameters on eight devices, by run_mindformer.py and by the Trainer.
new MindFormersGlmChart(app, 'glm-full', common);
new MindFormersGlmChart(app, 'glm-full-trainer', { ...common, program: MindFormersProgram.TRAINER });

// Adapters on four devices.
new MindFormersGlmChart(app, 'glm-lora', { ...common, lora: true });

// With MindSpore 1.10 the layout of frozen parameters comes from a run of its own, and another image merges.
new MindFormersGlmChart(app, 'glm-lora-trainer', {
  ...common,
  lora: true, program: MindFormersProgram.TRAINER, mindSpore: '1.10.1',
  image: 'registry.corp.example/llm/mindformers:c8a5808-mindspore1.10.1',
  mergeImage: 'registry.corp.example/llm/mindspore-cpu:2.0.0',
});

app.synth();
