// From the downloads to evaluated fine-tunes that answer, by the chart's own commands over stand-ins for MindSpore and MindFormers at c8a5808.
import { Testing } from 'cdk8s';
import { DevicePlugin, GlmModel, MindFormersGlmChart, type MindFormersGlmChartProps, MindFormersProgram, NodeType, WeightSource } from 'cdk8s-chatglm';

import type { Manifest } from '../cluster/support/manifest';
import type { ClaimFiles } from './run/claim-files';
import { type MindFormersRun, runBoth, runOnce } from './run/mindformers';

const IMAGE = 'harbor.corp.example/mindformers:0';
const MERGE_IMAGE = 'harbor.corp.example/mindspore-cpu:2';
const chart = (props: Partial<MindFormersGlmChartProps>): Manifest[] => Testing.synth(new MindFormersGlmChart(Testing.app(), 'glm', {
  namespace: 'llm', platform: { nodeTypes: [NodeType.ATLAS_800_9000], devicePlugins: [DevicePlugin.mindCluster({ version: '26.0' })] },
  image: IMAGE, weightSource: WeightSource.huggingFace(GlmModel.CHATGLM_6B, { revision: '0123456789'.repeat(4) }), saveSteps: 4, minimumScores: { 'rouge-l': 4 }, ...props,
})) as Manifest[];

const found = (files: ClaimFiles, pattern: RegExp): string[] => Object.keys(files).filter((name) => pattern.test(name)).map((name) => files[name]!);
const only = (files: ClaimFiles, pattern: RegExp): unknown => JSON.parse(found(files, pattern)[0]!);
const numbers = (first: number, count: number): number[] => Array.from({ length: count }, (_, index) => first + index);
const same = (value: number, count: number): number[] => Array.from({ length: count }, () => value);

const QUERY = 'transformer.layers.0.attention.query_key_value';
/** The parameters of the base in MindSpore's names, each number more by `more`. */
const network = (more: number): Record<string, number[]> => ({
  'transformer.word_embeddings.embedding_table': numbers(1 + more, 16),
  'transformer.layers.0.input_layernorm.gamma': numbers(2 + more, 4), 'transformer.layers.0.input_layernorm.beta': numbers(3 + more, 4),
  [`${QUERY}.weight`]: numbers(1 + more, 16), 'transformer.final_layernorm.gamma': numbers(1 + more, 4), 'transformer.final_layernorm.beta': numbers(2 + more, 4),
});
/** What of the published tensors no network of MindSpore has. */
const BESIDE = { 'transformer.layers.0.attention.rotary_emb.inv_freq': numbers(2, 2), 'lm_head.weight': numbers(3, 16) };
/** Adapters begin with 1 and 0, and their base stays as it is. */
const adapted = (more: number): Record<string, number[]> => ({ ...network(0), [`${QUERY}.mindpet_delta_lora_a`]: same(1 + more, 2), [`${QUERY}.mindpet_delta_lora_b`]: same(more, 8) });

type Case = Omit<MindFormersRun, 'objects' | 'id' | 'chip'> & { readonly props: Partial<MindFormersGlmChartProps>; readonly tuned: Record<string, number[]>; readonly strategy: string };

const RECORDS = { dataset: /in the middle of writing eval.mindrecord/ };
const FULL: Case = {
  props: {}, moments: RECORDS, images: { [IMAGE]: '2.0.0rc1' }, ranks: 8, finished: 'epoch 1 step 4', half: 'glm-6b-2_4.ckpt', strategy: 'finetune',
  // 96 records are 12 steps of 8, in sinks of 4.
  tuned: network(12),
};
const ADAPTERS: Case = {
  props: { lora: true, program: MindFormersProgram.TRAINER, mindSpore: '1.10.1', mergeImage: MERGE_IMAGE },
  moments: { ...RECORDS, strategy: /in the middle of writing the strategy/ }, images: { [IMAGE]: '1.10.1', [MERGE_IMAGE]: '2.0.0' }, ranks: 4, finished: 'epoch 1 step 4', half: 'glm-6b-lora-2_4.ckpt', strategy: 'strategy',
  // The Trainer's batches are of 4: 24 steps.
  tuned: adapted(24),
};

/** Expects what the case says of the files that a run has left. */
function expectTuned(files: ClaimFiles, { tuned, strategy }: Case): void {
  expect(only(files, /^convert-.*\/glm_6b\.ckpt$/)).toEqual({ ...network(0), ...BESIDE });
  expect(['train', 'eval'].map((name) => found(files, new RegExp(`^dataset-.*/${name}\\.mindrecord\\.db$`)))).toEqual([['96 records of 128'], ['4 records of 256']]);
  expect(found(files, new RegExp(`^${strategy}-.*/ckpt_strategy\\.ckpt$`))).toHaveLength(1);
  expect(only(files, /^merge-.*\/glm_6b\.ckpt$/)).toEqual(tuned);
  const total = Object.values(tuned).flat().reduce((sum, value) => sum + value);
  expect(only(files, /^evaluate-.*\/result\.json$/)).toMatchObject({
    kind: 'evaluation', model: 'chatglm-6b', metrics: { 'rouge-1': total, 'rouge-2': Object.keys(tuned).length, 'rouge-l': 4, 'bleu-4': 5.5 },
  });
  const answers = found(files, /^predict-.*\/answers\.jsonl$/)[0]!.trim().split('\n').map((line) => JSON.parse(line) as { round: number; answer: string });
  expect(answers.map(({ round, answer }) => [round, Number(answer)])).toEqual([[0, total], [1, total]]);
}

const run = ({ props, ...rest }: Case): MindFormersRun => ({ ...rest, objects: chart(props), id: 'glm', chip: '910A' });

test.each<[string, Case]>([
  ['all parameters on eight devices by run_mindformer.py', FULL],
  ['adapters on four by the Trainer with MindSpore 1.10', ADAPTERS],
])('%s: official weights are fine-tuned, merged, evaluated and asked; killed in the middle of each step it is the same', async (_what, example) => {
  const { whole, killed } = await runBoth(run(example));

  expectTuned(whole, example);
  expect(killed).toEqual(whole);
}, 240_000);

test.each<[string, Case]>([
  ['all parameters on eight devices by the Trainer', { ...FULL, props: { program: MindFormersProgram.TRAINER }, tuned: network(24) }],
  ['adapters on four by run_mindformer.py', { ...FULL, props: { lora: true }, ranks: 4, tuned: adapted(12) }],
])('%s: official weights are fine-tuned, merged, evaluated and asked', async (_what, example) => {
  expectTuned(await runOnce(run(example)), example);
}, 240_000);
