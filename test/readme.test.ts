import { readFileSync } from 'node:fs';
import * as path from 'node:path';

import { ApiObject, Testing } from 'cdk8s';

import { Accelerator, GlmModel, InferenceDeployment, Runtime } from 'cdk8s-chatglm';

import { renderReadme } from '../docs/readme';
import { askForFourDevices } from '../docs/snippets/escape-hatch';
import { chatglmChart } from '../docs/snippets/platform';
import { report } from '../examples/report';
import { only, synthesized } from './support/synthesized';

const ROOT = path.join(__dirname, '..');
const README = readFileSync(path.join(ROOT, 'README.md'), 'utf8');

test('the generated parts of the README are current', () => {
  expect(renderReadme(README, ROOT)).toBe(README);
});

test('a place for an unknown table is an error', () => {
  expect(() => renderReadme('<!-- table chips -->\n\n<!-- end -->', ROOT))
    .toThrow(new Error('README.md names the table \'chips\'; there are accelerators, node-types, runtimes, presets'));
});

test('every TypeScript snippet of the README comes from a file', () => {
  const withoutFiles = README.replace(/<!-- file [\s\S]*?<!-- end -->/g, '');

  expect(withoutFiles).not.toContain('```ts');
});

test('every link of the README to a file leads somewhere', () => {
  const links = [...README.matchAll(/\]\((?!http)([^)#]+)/g)].map((match) => match[1]!);

  expect(links.length).toBeGreaterThan(5);
  expect(links.filter((link) => !existsInRoot(link))).toEqual([]);
});

test('the snippets about platform and escape hatch do what they say', () => {
  const chart = chatglmChart(Testing.app());
  const deployment = new InferenceDeployment(chart, 'chat', {
    model: GlmModel.CHATGLM3_6B, runtime: Runtime.echo(), accelerator: Accelerator.ASCEND_910B3, devices: 2,
  });

  askForFourDevices(deployment);

  expect(ApiObject.of(deployment).kind).toBe('Deployment');
  expect(only(synthesized(chart), 'Deployment')).toMatchObject({
    spec: { template: { spec: { schedulerName: 'volcano', containers: [{ resources: { limits: { 'huawei.com/Ascend910': 4 }, requests: { 'huawei.com/Ascend910': 4 } } }] } } },
  });
});

test('the report lists every workload with its devices', () => {
  const lines = report(path.join(ROOT, 'dist')).split('\n');

  expect(lines[0]).toMatch(/^FILE +KIND +NAME +DEVICES$/);
  expect(lines).toContainEqual(expect.stringMatching(/^dist\/finetune-chatglm3-ascend\.k8s\.yaml +Job +finetune-chatglm3-ascend-finetune-[0-9a-f]{8} +huawei\.com\/Ascend910: 8$/));
  expect(lines).toContainEqual(expect.stringMatching(/^dist\/quickstart\.k8s\.yaml +Deployment +quickstart-chat +none$/));
});

function existsInRoot(link: string): boolean {
  try {
    readFileSync(path.join(ROOT, link));
    return true;
  } catch {
    return false;
  }
}
