import { Chart, type App } from 'cdk8s';
import { DevicePlugin, NodeType, Platform, Scheduler } from 'cdk8s-chatglm';

export function chatglmChart(app: App): Chart {
  const chart = new Chart(app, 'chatglm', { namespace: 'llm' });
  Platform.attach(chart, {
    nodeTypes: [NodeType.ATLAS_800T_A2, NodeType.ATLAS_300I_DUO_SERVER],
    devicePlugins: [DevicePlugin.mindCluster({ version: '26.0' })],
    scheduler: Scheduler.volcano({ queue: 'llm' }),
    imageRegistry: 'harbor.corp.example/mirror',
    huggingFaceEndpoint: 'https://hf-mirror.com',
    httpsProxy: 'http://proxy.corp.example:3128',
  });
  return chart;
}
