// Prints the commands of every container that the fine-tuning charts generate, as JSON, for the suites that run them: `{variant: [[word, ...], ...]}`.
import { Testing } from 'cdk8s';
import {
  GlmModel, MindFormersGlm3Chart, type MindFormersGlm3ChartProps, MindFormersGlmChart, type MindFormersGlmChartProps, MindFormersProgram, MindFormersVersion, Scheduler, WeightSource,
} from 'cdk8s-chatglm';

import { everyVendor } from '../support/synthesized';

const GLM3: Record<string, MindFormersGlm3ChartProps> = {
  'glm3-adgen': {},
  'glm3-2k': { configuration: '2k' },
  'glm3-multi-turn': { configuration: 'multi-turn' },
  'glm3-12x8': { nodes: 12, platform: { ...everyVendor(), scheduler: Scheduler.volcano() } },
  'glm3-4-devices': { devicesPerNode: 4 },
  'glm3-flash-attention': { flashAttention: true },
  'glm3-adapters': { lora: true, huggingFace: true, weightSource: WeightSource.huggingFace(GlmModel.CHATGLM3_6B, { revision: 'v1' }) },
  'glm3-r1.1': { version: MindFormersVersion.R1_1, image: 'registry.corp.example/mindformers:1.1.0' },
};
const GLM: Record<string, MindFormersGlmChartProps> = {
  'glm-full': {}, 'glm-lora': { lora: true }, 'glm-trainer': { program: MindFormersProgram.TRAINER },
};
const common = { namespace: 'llm', platform: everyVendor() };

/** The words of all containers below a value of plain JSON. */
function commands(value: unknown): string[][] {
  if (Array.isArray(value)) {
    return value.flatMap(commands);
  }
  if (typeof value !== 'object' || value === null) {
    return [];
  }
  const { command } = value as { command?: unknown };
  return [...(Array.isArray(command) ? [command as string[]] : []), ...Object.values(value).flatMap(commands)];
}

const charts = [
  ...Object.entries(GLM3).map(([name, props]) => [name, new MindFormersGlm3Chart(Testing.app(), name.replaceAll('.', '-'), { ...common, ...props })] as const),
  ...Object.entries(GLM).map(([name, props]) => [
    name, new MindFormersGlmChart(Testing.app(), name, { ...common, image: 'registry.corp.example/mindformers:c8a5808', ...props }),
  ] as const),
];
process.stdout.write(JSON.stringify(Object.fromEntries(charts.map(([name, chart]) => [name, commands(Testing.synth(chart))]))));
