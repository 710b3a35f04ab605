// From weights and guide to measured shards, by the chart's own commands over stand-ins for the guide's scripts.
import { Testing } from 'cdk8s';
import { Accelerator, AtbChatglm2Chart, type AtbChatglm2ChartProps, AtbPrecision, DevicePlugin, NodeType } from 'cdk8s-chatglm';

import type { Manifest } from '../cluster/support/manifest';
import { AtbPods } from './run/atb-pods';
import { oldestPython } from './run/oldest-python';

const PLATFORM = { nodeTypes: [NodeType.ATLAS_800I_A2, NodeType.ATLAS_300I_DUO_SERVER], devicePlugins: [DevicePlugin.mindCluster({ version: '26.1.0' })] };

function pods(props: Partial<AtbChatglm2ChartProps>): AtbPods {
  const chart = new AtbChatglm2Chart(Testing.app(), 'atb', {
    namespace: 'llm', platform: PLATFORM, accelerator: Accelerator.ASCEND_910B4, image: 'harbor.corp.example/atb:1', modelSlimImage: 'harbor.corp.example/modelslim:1', ...props,
  });
  return new AtbPods(Testing.synth(chart) as Manifest[], 'atb-store', props.tensorParallel ?? 1, oldestPython());
}

const SPARSE: Partial<AtbChatglm2ChartProps> = { precision: AtbPrecision.SPARSE, accelerator: Accelerator.ASCEND_310P_300I_DUO_96G, tensorParallel: 2, minimumScore: 0.5 };

/** Runs all steps; each must succeed. */
async function runAll(workflow: AtbPods): Promise<Record<string, string>> {
  for (const step of workflow.steps) {
    const { code, log } = await workflow.run(step);
    expect({ step, code, log: code === 0 ? '' : log }).toEqual({ step, code: 0, log: '' });
  }
  return workflow.files();
}

const found = (files: Record<string, string>, pattern: RegExp): string[] => Object.keys(files).filter((name) => pattern.test(name));

test.each<[string, Partial<AtbChatglm2ChartProps>, string[], RegExp, number]>([
  ['16 bits on one device', {}, ['configure', 'evaluate', 'benchmark'], /^shard-/, 0],
  ['16 bits on two', { tensorParallel: 2 }, ['configure', 'shard', 'evaluate', 'benchmark'], /^shard-.*part_model\/[01]\/pytorch_model\.bin$/, 2],
  ['8 bits on four', { precision: AtbPrecision.W8A8, tensorParallel: 4 }, ['configure', 'quantize', 'shard', 'evaluate', 'benchmark'], /^shard-.*\/quant\/tp4\/quant_weight\d\.npy$/, 4],
  ['8 bits as published', { precision: AtbPrecision.W8A8, modelSlimImage: undefined }, ['configure', 'shard', 'evaluate', 'benchmark'], /^shard-.*\/quant\/tp1\/quant_weight0\.npy$/, 1],
])('%s: every command of the chart does its step', async (_what, props, steps, pattern, count) => {
  const workflow = pods(props);

  expect(workflow.steps).toEqual(steps);
  const files = await runAll(workflow);
  expect(found(files, pattern)).toHaveLength(count);
  expect(found(files, /^(evaluate|benchmark)-[0-9a-f]{10}\/result\.json$/)).toHaveLength(2);
  expect(JSON.parse(files[found(files, /^evaluate-.*\/result\.json$/)[0]!]!)).toMatchObject({ kind: 'evaluation', model: 'chatglm2-6b', metrics: { accuracy: 2 / 3 } });
  expect(files[found(files, /^benchmark-.*\/performance\.csv$/)[0]!]!.trim().split('\n')).toHaveLength(4);
  expect(found(files, /\.work|\.tmp/)).toEqual([]);
  // The download stays as it was.
  expect(files[found(files, /^chatglm2-6b-.*\/config\.json$/)[0]!]).toBe('{"num_layers": 28}');
  expect(JSON.parse(files[found(files, /^configure-.*\/config\.json$/)[0]!]!)).toEqual({ num_layers: 28, world_size: 1, float_layers_id: [0] });
  workflow.remove();
});

test('killed in the middle of each step and started again, they come to the same, and a second time nothing is done', async () => {
  const whole = pods(SPARSE);
  const expected = await runAll(whole);
  expect(found(expected, /^compress-.*\/compress[01]\/info\/layers/)).toHaveLength(6);
  expect(await runAll(whole)).toEqual(expected);
  whole.remove();
  const killed = pods(SPARSE);
  const moments: Record<string, RegExp> = { quantize: /rank 0/, shard: /Processing weights/, compress: /rank 0/, evaluate: /rank 1 on device/, benchmark: /rank 1 on device/ };
  for (const step of killed.steps) {
    const moment = moments[step];
    if (moment !== undefined) {
      expect({ step, ...await killed.run(step, moment) }).toMatchObject({ step, code: 137 });
    }
    const { code, log } = await killed.run(step);
    expect({ step, code, log: code === 0 ? '' : log }).toEqual({ step, code: 0, log: '' });
  }
  expect(killed.files()).toEqual(expected);
  killed.remove();
}, 240_000);

test('a score below the minimum fails for good, and says so', async () => {
  const workflow = pods({ minimumScore: 0.9 });
  await workflow.run('configure');

  expect(await workflow.run('evaluate')).toMatchObject({ code: 32, message: expect.stringContaining('accuracy') as string });
  workflow.remove();
});
