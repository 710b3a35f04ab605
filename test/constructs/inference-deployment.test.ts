import { GlmModel, InferenceDeployment, Runtime } from 'cdk8s-chatglm';

import { chartWith, only, synthesized } from '../support/synthesized';

test('a server without accelerator asks for no device and is restricted', () => {
  const chart = chartWith();

  new InferenceDeployment(chart, 'chat', { model: GlmModel.CHATGLM3_6B, runtime: Runtime.echo() });

  const deployment = only(synthesized(chart), 'Deployment');
  expect(deployment.metadata.name).toBe('test-chat');
  expect(deployment.spec).toMatchObject({ replicas: 1, strategy: { type: 'Recreate' } });
});
