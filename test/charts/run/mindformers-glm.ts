import { Testing } from 'cdk8s';
import { DevicePlugin, GlmModel, MindFormersGlmChart, type MindFormersGlmChartProps, NodeType, WeightSource } from 'cdk8s-chatglm';

import type { Manifest } from '../../cluster/support/manifest';
import type { ClaimFiles } from './claim-files';
import type { MindFormersRun } from './mindformers';

export const IMAGE = 'harbor.corp.example/mindformers:0';
export const MERGE_IMAGE = 'harbor.corp.example/mindspore-cpu:2';
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
export const network = (more: number): Record<string, number[]> => ({
  'transformer.word_embeddings.embedding_table': numbers(1 + more, 16),
  'transformer.layers.0.input_layernorm.gamma': numbers(2 + more, 4), 'transformer.layers.0.input_layernorm.beta': numbers(3 + more, 4),
  [`${QUERY}.weight`]: numbers(1 + more, 16), 'transformer.final_layernorm.gamma': numbers(1 + more, 4), 'transformer.final_layernorm.beta': numbers(2 + more, 4),
});
/** What of the published tensors no network of MindSpore has. */
const BESIDE = { 'transformer.layers.0.attention.rotary_emb.inv_freq': numbers(2, 2), 'lm_head.weight': numbers(3, 16) };
/** Adapters begin with 1 and 0, and their base stays as it is. */
export const adapted = (more: number): Record<string, number[]> => ({ ...network(0), [`${QUERY}.mindpet_delta_lora_a`]: same(1 + more, 2), [`${QUERY}.mindpet_delta_lora_b`]: same(more, 8) });

/** A variant of the chart and what it comes to: the merged numbers, and the artifact that holds the strategy file. */
export type Case = Omit<MindFormersRun, 'objects' | 'id' | 'chip'> & { readonly props: Partial<MindFormersGlmChartProps>; readonly tuned: Record<string, number[]>; readonly strategy: string };

/** When the data step is killed. */
export const RECORDS = { dataset: /in the middle of writing eval.mindrecord/ };

/** Expects what the case says of the files that a run has left. */
export function expectTuned(files: ClaimFiles, { tuned, strategy }: Case): void {
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

/** The run of a case. */
export const runOf = ({ props, ...rest }: Case): MindFormersRun => ({ ...rest, objects: chart(props), id: 'glm', chip: '910A' });
