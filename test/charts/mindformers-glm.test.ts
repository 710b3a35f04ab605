import { Testing } from 'cdk8s';
import { MindFormersGlmChart, type MindFormersGlmChartProps, MindFormersProgram } from 'cdk8s-chatglm';

import { everyVendor } from '../support/synthesized';

const IMAGE='registry.corp.example/mindformers:c8a5808';
test.each<[string, MindFormersGlmChartProps]>([
  ['full', {}],
  ['lora', { lora: true }],
  ['trainer', { program: MindFormersProgram.TRAINER }],
  ['lora trainer', { program: MindFormersProgram.TRAINER, lora: true, mindSpore: '1.10.1', mergeImage: 'registry.corp.example/mindspore-cpu:2.0.0' }],
])('%s', (_name, props) => {
  const chart = new MindFormersGlmChart(Testing.app(), 'glm', { namespace: 'llm', platform: everyVendor(), image: IMAGE, ...props });
  const objects = Testing.synth(chart) as { kind: string; metadata: { name: string }; spec: any }[];
  for (const o of objects) console.log(o.kind, o.metadata.name, JSON.stringify(o.spec?.template?.spec?.containers?.[0]?.command ?? o.spec?.tasks?.[0]?.template.spec.containers[0].command));
});
