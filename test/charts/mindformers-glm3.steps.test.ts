// From the downloads to an evaluated fine-tune that answers, by the chart's own commands over stand-ins for MindSpore and MindFormers at 3354237.
import { Testing } from 'cdk8s';
import { DevicePlugin, GlmModel, MindFormersGlm3Chart, NodeType, WeightSource } from 'cdk8s-chatglm';

import type { Manifest } from '../cluster/support/manifest';
import type { ClaimFiles } from './run/claim-files';
import { runBoth } from './run/mindformers';

const IMAGE = 'harbor.corp.example/mindformers:1';
const chart = (): Manifest[] => Testing.synth(new MindFormersGlm3Chart(Testing.app(), 'glm3', {
  namespace: 'llm', platform: { nodeTypes: [NodeType.ATLAS_800T_A2], devicePlugins: [DevicePlugin.mindCluster({ version: '26.0' })] },
  image: IMAGE, weightSource: WeightSource.huggingFace(GlmModel.CHATGLM3_6B, { revision: '0123456789'.repeat(4) }), saveSteps: 1, minimumScores: { 'rouge-l': 4 },
})) as Manifest[];

const found = (files: ClaimFiles, pattern: RegExp): string[] => Object.keys(files).filter((name) => pattern.test(name)).map((name) => files[name]!);
const only = (files: ClaimFiles, pattern: RegExp): unknown => JSON.parse(found(files, pattern)[0]!);
const numbers = (first: number, count: number): number[] => Array.from({ length: count }, (_, index) => first + index);

test('official weights are fine-tuned on eight devices, merged, evaluated and asked; killed in the middle of each step it is the same', async () => {
  const { whole, killed } = await runBoth({
    objects: chart(), id: 'glm3', chip: '910B3', images: { [IMAGE]: '2.2.11' }, ranks: 8,
    finished: 'epoch 1 step 1', half: 'glm3-6b-2_1.ckpt', moments: { dataset: /in the middle of counting tokens/ },
  });

  expect(only(whole, /^convert-.*\/glm3_6b\.ckpt$/)).toEqual({
    'transformer.embedding.embedding_table': numbers(1, 16), 'transformer.encoder.layers.0.input_layernorm.weight': numbers(2, 4),
    'transformer.encoder.layers.0.self_attention.query_key_value.weight': numbers(1, 16), 'transformer.encoder.final_layernorm.weight': numbers(2, 4),
    'transformer.output_layer.weight': numbers(1, 16), 'transformer.rotary_pos_emb.inv_freq': numbers(2, 2),
  });
  // 96 rows are three steps, and each adds 1 to each number; optimizer's state and buffers stay behind.
  const tuned = {
    'transformer.embedding.embedding_table': numbers(4, 16), 'transformer.encoder.layers.0.input_layernorm.weight': numbers(5, 4),
    'transformer.encoder.layers.0.self_attention.query_key_value.weight': numbers(4, 16), 'transformer.encoder.final_layernorm.weight': numbers(5, 4),
    'transformer.output_layer.weight': numbers(4, 16),
  };
  expect(only(whole, /^merge-.*\/glm3_6b\.ckpt$/)).toEqual(tuned);
  const total = Object.values(tuned).flat().reduce((sum, value) => sum + value);
  expect(only(whole, /^evaluate-.*\/result\.json$/)).toMatchObject({ kind: 'evaluation', model: 'chatglm3-6b', metrics: { 'rouge-1': total, 'rouge-2': 5, 'rouge-l': 4, 'bleu-4': 5.5 } });
  const answers = found(whole, /^predict-.*\/answers\.jsonl$/)[0]!.trim().split('\n').map((line) => JSON.parse(line) as { conversation: number; round: number; answer: string });
  expect(answers.map(({ conversation, round, answer }) => [conversation, round, Number(answer)])).toEqual([[0, 0], [1, 0], [2, 0], [3, 0], [4, 0], [4, 1], [4, 2]].map((place) => [...place, total]));
  expect(found(whole, /^finetune-.*\/checkpoint\/rank_\d\/.*-3_1\.ckpt$/)).toHaveLength(8);
  expect(killed).toEqual(whole);
}, 240_000);
