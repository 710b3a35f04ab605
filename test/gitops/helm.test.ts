import { App, Chart, Size, Testing } from 'cdk8s';
import { ConfigMap } from 'cdk8s-plus-27';
import { Delivery, GlmApp, ModelStore, Platform } from 'cdk8s-chatglm';

import type { KubernetesObject } from '../../lib/workloads/kubernetes-object';
import { workflow } from './workflow';

function text(app: App, delivery: Delivery): string {
  const chart = new Chart(app, 'chart');
  Platform.attach(chart, { delivery });
  new ConfigMap(chart, 'braces', { metadata: { name: 'braces' }, data: { a: '{{ .Values.a }}', b: 'x\n{{{{\n' } });
  return app.synthYaml();
}

test('what would begin an action of a template is quoted, and nowhere else than for Helm', () => {
  const expected = ['apiVersion: v1', 'data:', '  a: "{{ .Values.a }}"', '  b: |', '    x', '    {{{{', 'immutable: false', 'kind: ConfigMap', 'metadata:', '  name: braces', ''];
  const plain = text(new App(), Delivery.HELM);

  expect(plain.split('\n').sort()).toEqual(expected.sort());
  expect(text(new GlmApp(), Delivery.KUBECTL)).toBe(plain);
  expect(text(new GlmApp(), Delivery.HELM)).toBe(plain.replace('{{ .Values.a }}', '{{ "{{" }} .Values.a }}').replace('{{{{', '{{ "{{" }}{{ "{{" }}'));
});

test('claims outlive the release, and Jobs keep their hashed names', () => {
  const { chart } = workflow(Testing.app(), 'chatglm3', Delivery.HELM);
  new ModelStore(chart, 'unused', { size: Size.gibibytes(1) });
  const objects = Testing.synth(chart) as KubernetesObject[];
  const kept = objects.filter(({ metadata }) => metadata.annotations?.['helm.sh/resource-policy'] === 'keep');

  expect(kept.map(({ kind, metadata }) => `${kind}/${metadata.name}`)).toEqual(['PersistentVolumeClaim/chatglm3-store', 'PersistentVolumeClaim/chatglm3-plain', 'PersistentVolumeClaim/chatglm3-unused']);
  expect(objects.filter(({ kind }) => kind === 'Job').filter(({ metadata }) => !/-[0-9a-f]{8}$/.test(metadata.name))).toEqual([]);
});
