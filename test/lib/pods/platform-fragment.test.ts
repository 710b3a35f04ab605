import { Chart, Testing } from 'cdk8s';
import { Secret } from 'cdk8s-plus-27';
import { Platform, type PlatformProps } from 'cdk8s-chatglm';

import { platformFragment, renderToleration } from '../../../lib/pods/platform-fragment';
import { thrownBy } from '../../support/thrown';

const platform = (props: PlatformProps): Platform => Platform.attach(new Chart(Testing.app(), 'test'), props);

test('a platform that says nothing asks for nothing', () => {
  expect(platformFragment(platform({}))).toEqual({ source: 'the platform' });
});

test('a platform asks the same of every pod', () => {
  const secrets = new Chart(Testing.app(), 'secrets');
  const fragment = platformFragment(platform({
    imagePullSecrets: [Secret.fromSecretName(secrets, 'pull', 'registry')],
    tolerations: [{ key: 'npu', value: 'true', effect: 'NoSchedule' }],
    nodeSelector: { pool: 'npu' }, priorityClassName: 'high', podLabels: { team: 'ml' }, podAnnotations: { 'corp.example/owner': 'platform' },
  }));

  expect(fragment).toEqual({
    source: 'the platform',
    imagePullSecrets: [{ name: 'registry' }],
    tolerations: [{ key: 'npu', operator: 'Equal', value: 'true', effect: 'NoSchedule' }],
    nodeSelector: { pool: 'npu' }, priorityClassName: 'high', labels: { team: 'ml' }, annotations: { 'corp.example/owner': 'platform' },
  });
});

test.each([
  [{}, { operator: 'Exists' }],
  [{ key: 'npu' }, { key: 'npu', operator: 'Exists' }],
  [{ key: 'npu', value: '' }, { key: 'npu', operator: 'Equal', value: '' }],
  [{ effect: 'NoExecute' }, { operator: 'Exists', effect: 'NoExecute' }],
])('the toleration %j is rendered as Kubernetes writes it', (toleration, rendered) => {
  expect(renderToleration(toleration)).toEqual(rendered);
});

test.each([
  [{ effect: 'noschedule' }, '\'effect\' of a toleration must be NoSchedule, PreferNoSchedule or NoExecute, got \'noschedule\''],
  [{ value: 'true' }, 'a toleration with the value \'true\' needs a \'key\''],
])('the toleration %j is refused', (toleration, message) => {
  expect(thrownBy(() => renderToleration(toleration))).toBe(message);
});
