import { Chart } from 'cdk8s';
import { GlmApp, GlmModel, InferenceDeployment, Platform, Runtime } from 'cdk8s-chatglm';

const app = new GlmApp();
const chart = new Chart(app, 'quickstart', { namespace: 'llm' });
Platform.attach(chart, { podLabels: { team: 'ml' } });

// The echo runtime needs no accelerator and no weights: it runs on any cluster and speaks the same API as the real ones.
new InferenceDeployment(chart, 'chat', {
  model: GlmModel.CHATGLM3_6B,
  runtime: Runtime.echo(),
  replicas: 2,
});

app.synth();
