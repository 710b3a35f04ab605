import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';

import { stringify } from 'yaml';

import { report } from '../examples/report';

const asking = (count: number) => ({ spec: { containers: [{ resources: { limits: { 'huawei.com/Ascend910': count } } }] } });
const manifest = (apiVersion: string, kind: string, name: string, spec: object) => ({ apiVersion, kind, metadata: { name }, spec });

test('the report tells kinds of one name apart, and how many pods ask for devices', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'report-'));
  writeFileSync(path.join(folder, 'a.k8s.yaml'), [
    manifest('batch.volcano.sh/v1alpha1', 'Job', 'twelve', { tasks: [{ replicas: 12, template: asking(8) }] }),
    manifest('batch/v1', 'Job', 'indexed', { completions: 2, template: asking(4) }),
    manifest('mindxdl.gitee.com/v1', 'AscendJob', 'ascend', { replicaSpecs: { Scheduler: { replicas: 1 }, Worker: { replicas: 3, template: asking(8) } } }),
    manifest('apps/v1', 'Deployment', 'chat', { replicas: 1, template: asking(1) }),
    manifest('apps/v1', 'Deployment', 'page', { replicas: 2 }),
    manifest('v1', 'ConfigMap', 'scripts', {}),
  ].map((object) => stringify(object)).join('---\n'));

  const lines = report(folder).split('\n').map((line) => line.split(/ {2,}/).slice(1));
  rmSync(folder, { recursive: true });

  expect(lines).toEqual([
    ['KIND', 'NAME', 'DEVICES'],
    ['Volcano Job', 'twelve', '12 x huawei.com/Ascend910: 8'],
    ['Job', 'indexed', '2 x huawei.com/Ascend910: 4'],
    ['AscendJob', 'ascend', '3 x huawei.com/Ascend910: 8'],
    ['Deployment', 'chat', 'huawei.com/Ascend910: 1'],
    ['Deployment', 'page', 'none'],
  ]);
});
