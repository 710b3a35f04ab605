import { Chart, Size } from 'cdk8s';
import { Secret } from 'cdk8s-plus-27';
import {
  Accelerator, DevicePlugin, DownloadWeights, GlmApp, GlmModel, InferenceDeployment, ModelStore, NodeType, Platform, Runtime, UpdateStrategy,
  WeightSource,
} from 'cdk8s-chatglm';

const app = new GlmApp();
const chart = new Chart(app, 'serve-chatglm3-mindie', { namespace: 'llm' });
Platform.attach(chart, {
  nodeTypes: [NodeType.ATLAS_800I_A2],
  devicePlugins: [DevicePlugin.mindCluster({ version: '26.1.0' })],
  imageRegistry: 'harbor.corp.example/mirror',
});

const store = new ModelStore(chart, 'store', { size: Size.gibibytes(50), storageClassName: 'nfs' });
const model = GlmModel.CHATGLM3_6B;
const weights = new DownloadWeights(chart, 'weights', { store, model, source: WeightSource.huggingFace(model, { runtime: 'mindie' }) });

// Two pods with two chips each behind one host name; one is replaced after the other, so that no spare chips are needed.
new InferenceDeployment(chart, 'chat', {
  model,
  weights: weights.artifact,
  runtime: Runtime.mindIe({ image: 'registry.corp.example/ascendhub/mindie:2.3.0-800I-A2-py311-openeuler24.03-lts' }),
  accelerator: Accelerator.ASCEND_910B4,
  devices: 2,
  contextLength: 8192,
  replicas: 2,
  updateStrategy: UpdateStrategy.ONE_BY_ONE,
  ingressHost: 'chatglm3.corp.example',
  ingressTlsSecret: Secret.fromSecretName(chart, 'tls', 'chatglm3-tls'),
  ingressAnnotations: { 'nginx.ingress.kubernetes.io/proxy-buffering': 'off', 'nginx.ingress.kubernetes.io/proxy-read-timeout': '600' },
  clientNamespaces: ['ingress-nginx', 'monitoring'],
  podMonitor: true,
});

app.synth();
