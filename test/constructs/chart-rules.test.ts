import { ApiObject, type App, Chart, JsonPatch, Testing } from 'cdk8s';

import { GlmModel, InferenceDeployment, Runtime } from 'cdk8s-chatglm';

import { thrownBy } from '../support/thrown';

const WRONG_PORT = 'Service/web: the Service sends traffic to port grpc, but Deployment/test-chat lists none such (rule service-target-port)';

function server(chart: Chart, id = 'chat'): InferenceDeployment {
  return new InferenceDeployment(chart, id, { model: GlmModel.CHATGLM3_6B, runtime: Runtime.echo() });
}

/** A Service of somebody else in front of the pods of a server. */
function service(chart: Chart, targetPort: number | string): ApiObject {
  return new ApiObject(chart, 'web', {
    apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' },
    spec: { selector: { 'app.kubernetes.io/instance': 'test-chat', 'app.kubernetes.io/component': 'serve' }, ports: [{ port: 80, targetPort }] },
  });
}

function chartOf(app: App, id = 'test'): Chart {
  return new Chart(app, id, { namespace: 'llm' });
}

test('objects that other constructs add to a chart are compared with ours when it is synthesized', () => {
  const chart = chartOf(Testing.app());
  server(chart);
  service(chart, 'grpc');

  expect(thrownBy(() => { Testing.synth(chart); })).toBe(`Validation failed with the following errors:\n  [test] ${WRONG_PORT}`);
});

test('a patch that mends the fault is seen, also after a synthesis that failed', () => {
  const chart = chartOf(Testing.app());
  server(chart);
  const web = service(chart, 'grpc');

  expect(() => { Testing.synth(chart); }).toThrow(WRONG_PORT);
  web.addJsonPatch(JsonPatch.replace('/spec/ports/0/targetPort', 'http'));
  expect(Testing.synth(chart).map(({ kind }: { kind: string }) => kind)).toContain('Deployment');
});

test('an object that is added after a synthesis is compared as well', () => {
  const chart = chartOf(Testing.app());
  server(chart);

  expect(() => { Testing.synth(chart); }).not.toThrow();
  service(chart, 'grpc');
  expect(() => { Testing.synth(chart); }).toThrow(WRONG_PORT);
});

test('the annotation of the object leaves a rule out', () => {
  const chart = chartOf(Testing.app());
  server(chart);
  service(chart, 'grpc').metadata.addAnnotation('cdk8s-chatglm/ignore', 'service-target-port');

  expect(() => { Testing.synth(chart); }).not.toThrow();
});

test('warnings do not stop a synthesis', () => {
  const chart = chartOf(Testing.app());
  server(chart);
  service(chart, 9999);

  expect(() => { Testing.synth(chart); }).not.toThrow();
});

test('charts are compared each for itself, and once however many servers they have', () => {
  const app = Testing.app();
  const [first, second] = [chartOf(app, 'first'), chartOf(app, 'second')];
  for (const chart of [first, second]) {
    server(chart, 'a');
    server(chart, 'b');
    new ApiObject(chart, 'one', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'same' } });
  }
  new ApiObject(second, 'two', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'same' } });

  expect(thrownBy(() => { app.synth(); })).toBe('Validation failed with the following errors:\n  [second] ServiceAccount/same: there is another ServiceAccount/same in the namespace \'llm\' (rule duplicate-object)');
});
