// From a checkpoint and data to an evaluated fine-tune that answers, by the chart's own commands over stand-ins for MindSpore and MindFormers.
import { Testing } from 'cdk8s';
import { DevicePlugin, MindFormersGlm3Chart, NodeType } from 'cdk8s-chatglm';

import type { Manifest } from '../cluster/support/manifest';
import { MindFormersPods } from './run/mind-formers-pods';

const chart = (minimum = 1): Manifest[] => Testing.synth(new MindFormersGlm3Chart(Testing.app(), 'glm3', {
  namespace: 'llm', platform: { nodeTypes: [NodeType.ATLAS_800T_A2], devicePlugins: [DevicePlugin.mindCluster({ version: '26.0' })] },
  image: 'harbor.corp.example/mindformers:1', minimumScores: { 'rouge-l': minimum },
})) as Manifest[];

const STEPS = ['dataset', 'finetune', 'merge', 'evaluate', 'predict'];
const found = (files: Record<string, string>, pattern: RegExp): string[] => Object.keys(files).filter((name) => pattern.test(name)).map((name) => files[name]!);

async function succeeds(pods: MindFormersPods, step: string): Promise<string> {
  const { code, log } = await pods.run(step);
  expect({ step, code, log: code === 0 ? '' : log }).toEqual({ step, code: 0, log: '' });
  return log;
}

test('eight ranks train, their shards become one checkpoint, which is measured and answers; killed in the middle of each step it is the same', async () => {
  const whole = new MindFormersPods(chart(), 'glm3-store');
  expect(whole.steps).toEqual(STEPS);
  for (const step of STEPS) {
    await succeeds(whole, step);
  }
  const files = whole.files();
  whole.remove();

  // Three steps have added 3 to each number; the optimizer's state stays behind.
  expect(found(files, /^merge-.*\/glm3_6b\.ckpt$/).map((text) => JSON.parse(text) as unknown)).toEqual([{ 'transformer.weight': Array.from({ length: 16 }, (_, index) => index + 3), 'transformer.bias': [4] }]);
  expect(JSON.parse(found(files, /^evaluate-.*\/result\.json$/)[0]!)).toMatchObject({ kind: 'evaluation', model: 'chatglm3-6b', metrics: { 'rouge-1': 168, 'rouge-2': 4, 'rouge-l': 2, 'bleu-4': 5.5 } });
  const answers = found(files, /^predict-.*\/answers\.jsonl$/)[0]!.trim().split('\n').map((line) => JSON.parse(line) as { conversation: number; round: number; answer: string });
  expect(answers.map(({ conversation, round, answer }) => [conversation, round, answer])).toEqual([
    [0, 0, '172'], [1, 0, '172'], [2, 0, '172'], [3, 0, '172'], [4, 0, '172'], [4, 1, '172'], [4, 2, '172'],
  ]);

  const killed = new MindFormersPods(chart(), 'glm3-store');
  const begun = /run_task: running /;
  const moments: Record<string, RegExp> = { dataset: begun, finetune: /(has finished epoch 1 step 1[^]*){8}/, merge: begun, evaluate: /metric: ADGENMetric/, predict: begun };
  for (const step of STEPS) {
    const moment = moments[step];
    if (moment !== undefined) {
      const { code, log } = await killed.run(step, moment);
      expect({ step, code, log: code === 137 ? '' : log }).toEqual({ step, code: 137, log: '' });
    }
    const log = await succeeds(killed, step);
    expect(log.match(/going on from epoch 1 step 1, finished by all 8 ranks/g) ?? []).toHaveLength(step === 'finetune' ? 8 : 0);
  }
  expect(killed.files()).toEqual(files);
  killed.remove();
}, 240_000);
