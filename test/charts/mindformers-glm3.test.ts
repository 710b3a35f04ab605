import { App, Testing } from 'cdk8s';
import { MindFormersGlm3Chart, type MindFormersGlm3ChartProps, Scheduler } from 'cdk8s-chatglm';

import { everyVendor } from '../support/synthesized';

test.each<[string, MindFormersGlm3ChartProps]>([
  ['adgen', {}],
  ['2k', { configuration: '2k' }],
  ['multi-turn', { configuration: 'multi-turn' }],
  ['lora', { lora: true }],
  ['12x8', { nodes: 12, platform: { ...everyVendor(), scheduler: Scheduler.volcano() } }],
])('%s', (_name, props) => {
  const chart = new MindFormersGlm3Chart(Testing.app(), 'glm3', { namespace: 'llm', platform: everyVendor(), ...props });
  const objects = Testing.synth(chart) as { kind: string; metadata: { name: string }; spec: any }[];
  for (const o of objects) console.log(o.kind, o.metadata.name, JSON.stringify(o.spec?.template?.spec?.containers?.[0]?.command ?? o.spec?.tasks?.[0]?.template.spec.containers[0].command));
});
