import { Chart, Duration } from 'cdk8s';
import { Secret } from 'cdk8s-plus-27';
import { GlmApp, GlmModel, InferenceDeployment, Runtime, UpdateStrategy, WebInterface } from 'cdk8s-chatglm';

const app = new GlmApp();
const chart = new Chart(app, 'serve-around', { namespace: 'llm' });

// All that can stand around a server, here in front of text that no model made, so that it runs on any cluster.
const server = new InferenceDeployment(chart, 'chat', {
  model: GlmModel.CHATGLM3_6B,
  runtime: Runtime.echo(),
  minReplicas: 2,
  maxReplicas: 6,
  targetQueueLength: 4,
  updateStrategy: UpdateStrategy.SURGE,
  queueSize: 16,
  requestTimeout: Duration.minutes(5),
  apiKeysSecret: Secret.fromSecretName(chart, 'keys', 'chatglm3-api-keys'),
  ingressHost: 'chatglm3.corp.example',
  ingressTlsSecret: Secret.fromSecretName(chart, 'tls', 'chatglm3-tls'),
  clientNamespaces: ['llm', 'ingress-nginx', 'monitoring'],
  podMonitor: true,
  podMonitorLabels: { release: 'prometheus' },
});

new WebInterface(chart, 'page', { server, image: 'registry.corp.example/llm/gradio:3.39.0', ingressHost: 'chat.corp.example' });

app.synth();
