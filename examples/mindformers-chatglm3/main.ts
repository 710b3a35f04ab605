import { DevicePlugin, GlmApp, MindFormersGlm3Chart, type MindFormersGlm3ChartProps, NodeType, type PlatformProps, Scheduler, ScriptDelivery } from 'cdk8s-chatglm';

const app = new GlmApp();
// Four charts with the same scripts: an image of the folder container/ carries them, not a ConfigMap of each chart.
const platform: PlatformProps = {
  nodeTypes: [NodeType.ATLAS_800T_A2],
  devicePlugins: [DevicePlugin.mindCluster({ version: '26.0' })],
  scheduler: Scheduler.volcano({ queue: 'llm' }),
  imageRegistry: 'harbor.corp.example/mirror',
  scriptDelivery: ScriptDelivery.image('registry.corp.example/llm/chatglm-scripts:1.0'),
};
const common: MindFormersGlm3ChartProps = { namespace: 'llm', platform, storageClassName: 'nfs' };

// The guide's three configurations on one server of eight devices, from download to a server that answers.
new MindFormersGlm3Chart(app, 'glm3-adgen', { ...common, minimumScores: { 'rouge-l': 15 } });
new MindFormersGlm3Chart(app, 'glm3-2k', { ...common, configuration: '2k', flashAttention: true });
new MindFormersGlm3Chart(app, 'glm3-multi-turn', { ...common, configuration: 'multi-turn', epochs: 1 });

// The guide's twelve servers: all pods are placed together or not at all, and MindCluster's operator fills the rank table.
new MindFormersGlm3Chart(app, 'glm3-twelve-nodes', { ...common, nodes: 12, saveSteps: 200 });

app.synth();
