import { Testing } from 'cdk8s';
import {
  ArtifactFormat, GlmModel, MindFormersGlm3Chart, type MindFormersGlm3ChartProps, MindFormersGlmChart, type MindFormersGlmChartProps, MindFormersLauncher, MindFormersProgram,
  MindFormersVersion, type PlatformProps, RankTable, Scheduler, WeightSource, WorkloadKind,
} from 'cdk8s-chatglm';

import type { KubernetesObject } from '../../lib/workloads/kubernetes-object';
import { parseRunMindFormer } from '../support/mindformers-parser';
import { everyVendor } from '../support/synthesized';
import { thrownBy } from '../support/thrown';
import { artifactsIn, madeBy, scriptsOf, type Workload, workloads } from '../support/workflow';

const IMAGE = 'registry.corp.example/mindformers:1.0';
const VOLCANO: PlatformProps = { ...everyVendor(), scheduler: Scheduler.volcano({ queue: 'llm' }) };
const OFFICIAL = { revision: 'v1' };

interface Synthesized { readonly objects: KubernetesObject[]; readonly workloads: Workload[] }

function synthesized(objects: KubernetesObject[]): Synthesized {
  return { objects, workloads: workloads(objects, 'glm') };
}

const glm3 = (props: MindFormersGlm3ChartProps = {}): Synthesized => synthesized(Testing.synth(new MindFormersGlm3Chart(Testing.app(), 'glm', { namespace: 'llm', platform: everyVendor(), ...props })) as KubernetesObject[]);
const glm = (props: MindFormersGlmChartProps = {}): Synthesized => synthesized(Testing.synth(new MindFormersGlmChart(Testing.app(), 'glm', { namespace: 'llm', platform: everyVendor(), image: IMAGE, ...props })) as KubernetesObject[]);

const VARIANTS: readonly [string, () => Synthesized, MindFormersVersion][] = [
  ['ChatGLM3, ADGEN', () => glm3(), MindFormersVersion.COMMIT_3354237],
  ['ChatGLM3, 2k', () => glm3({ configuration: '2k' }), MindFormersVersion.COMMIT_3354237],
  ['ChatGLM3, multi-turn', () => glm3({ configuration: 'multi-turn' }), MindFormersVersion.COMMIT_3354237],
  ['ChatGLM3, official weights', () => glm3({ weightSource: WeightSource.huggingFace(GlmModel.CHATGLM3_6B, OFFICIAL) }), MindFormersVersion.COMMIT_3354237],
  ['ChatGLM3, 12 x 8 on Volcano', () => glm3({ nodes: 12, platform: VOLCANO }), MindFormersVersion.COMMIT_3354237],
  ['ChatGLM3, 12 x 8 on an Indexed Job', () => glm3({ nodes: 12 }), MindFormersVersion.COMMIT_3354237],
  ['ChatGLM3, AscendJob', () => glm3({ nodes: 2, workload: WorkloadKind.ASCEND_JOB, platform: VOLCANO }), MindFormersVersion.COMMIT_3354237],
  ['ChatGLM3, adapters', () => glm3({ lora: true }), MindFormersVersion.COMMIT_3354237],
  ['ChatGLM3, adapters and the way back', () => glm3({ lora: true, huggingFace: true, weightSource: WeightSource.huggingFace(GlmModel.CHATGLM3_6B, OFFICIAL) }), MindFormersVersion.COMMIT_3354237],
  ['ChatGLM3, msrun', () => glm3({ version: MindFormersVersion.R1_1, image: IMAGE, launcher: MindFormersLauncher.MSRUN, rankTable: RankTable.NONE, nodes: 2 }), MindFormersVersion.R1_1],
  ['ChatGLM3 with 1.3', () => glm3({ version: MindFormersVersion.R1_3, image: IMAGE }), MindFormersVersion.R1_3],
  ['ChatGLM-6B, full', () => glm(), MindFormersVersion.COMMIT_C8A5808],
  ['ChatGLM-6B, official weights', () => glm({ weightSource: WeightSource.huggingFace(GlmModel.CHATGLM_6B, OFFICIAL) }), MindFormersVersion.COMMIT_C8A5808],
  ['ChatGLM-6B, adapters', () => glm({ lora: true }), MindFormersVersion.COMMIT_C8A5808],
  ['ChatGLM-6B, adapters and the way back', () => glm({ lora: true, huggingFace: true, weightSource: WeightSource.huggingFace(GlmModel.CHATGLM_6B, OFFICIAL) }), MindFormersVersion.COMMIT_C8A5808],
  ['ChatGLM-6B, Trainer', () => glm({ program: MindFormersProgram.TRAINER }), MindFormersVersion.COMMIT_C8A5808],
  ['ChatGLM-6B, adapters by the Trainer with MindSpore 1.10', () => glm({ program: MindFormersProgram.TRAINER, lora: true, mindSpore: '1.10.1', mergeImage: 'registry.corp.example/mindspore-cpu:2.0.0' }), MindFormersVersion.COMMIT_C8A5808],
];

describe.each(VARIANTS)('%s', (_name, synthesize, version) => {
  const chart = synthesize();

  test('what a workload reads was made by exactly one before it', () => {
    const made: string[] = [];
    for (const workload of chart.workloads) {
      const own = madeBy(workload);
      expect(artifactsIn(workload.command).filter((directory) => directory !== own && !made.includes(directory))).toEqual([]);
      expect(made).not.toContain(own);
      made.push(...own === undefined ? [] : [own]);
    }
  });

  test('a pod waits for what it reads', () => {
    for (const workload of chart.workloads.filter(({ command }) => !command[1]!.endsWith('/fetch_weights.py'))) {
      const wait = workload.pod.initContainers!.find(({ name }) => name === 'wait-for-artifacts')!;

      expect([workload.id, artifactsIn(wait.command!).sort()]).toEqual([workload.id, artifactsIn(workload.command).filter((directory) => directory !== madeBy(workload)).sort()]);
    }
  });

  test('every script that runs is in its pod', () => {
    for (const workload of chart.workloads) {
      const { started, mounted } = scriptsOf(workload);

      expect([workload.id, started.filter((script) => !mounted.includes(script))]).toEqual([workload.id, []]);
    }
  });

  test('run_mindformer.py of the version takes its arguments', () => {
    const runs = chart.workloads.flatMap(({ command }) => command.flatMap((word, index) => word.endsWith('/run_mindformer.py') ? [command.slice(index + 1)] : []));

    expect(runs.map((words) => parseRunMindFormer(version, words).flags.run_mode)).toEqual(runs.map((_, index) => [index === 0 ? 'finetune' : 'eval']));
  });

  test('the tuned model is evaluated, asked and served', () => {
    const by = (id: string): Workload => chart.workloads.find((workload) => workload.id === id)!;
    const merged = madeBy(by('merge'))!;

    for (const id of ['evaluate', 'predict', 'serve']) {
      expect([id, artifactsIn(by(id).command)]).toEqual([id, expect.arrayContaining([merged])]);
    }
    expect(by('serve').object.kind).toBe('Deployment');
    expect(by('serve').command).toEqual(expect.arrayContaining(['--backend', 'mindformers']));
  });
});

const fine = ({ workloads: all }: Synthesized): Workload => all.find(({ id }) => id === 'finetune')!;

test('the order of the workflow is that of the guide', () => {
  expect(glm3({ weightSource: WeightSource.huggingFace(GlmModel.CHATGLM3_6B, OFFICIAL) }).workloads.map(({ id }) => id)).toEqual([
    'mindformers', 'weights', 'convert', 'adgen', 'dataset', 'finetune', 'merge', 'evaluate', 'predict', 'serve',
  ]);
  expect(glm3({ configuration: 'multi-turn' }).workloads.map(({ id }) => id)).toEqual([
    'mindformers', 'checkpoint', 'adgen', 'dataset', 'tool-alpaca', 'conversations', 'finetune', 'merge', 'evaluate', 'predict', 'serve',
  ]);
});

test('12 nodes of 8 are one Volcano Job, all or none, one pod a node', () => {
  const { object, pod, command } = fine(glm3({ nodes: 12, platform: VOLCANO }));

  expect(object).toMatchObject({ apiVersion: 'batch.volcano.sh/v1alpha1', spec: { minAvailable: 12, queue: 'llm', tasks: [{ replicas: 12 }] } });
  expect(pod.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution).toHaveLength(1);
  expect(command).toEqual(expect.arrayContaining(['--pods', '12', '--pod-index', '$(VC_TASK_INDEX)', '--nodes', '--rank-table', 'operator', '--parallel_config.data_parallel=96']));
});

test('what MindSpore before 2.0 trained with adapters is merged by the strategy of a run that freezes nothing', () => {
  const chart = VARIANTS.at(-1)![1]();
  const strategy = chart.workloads.find(({ id }) => id === 'strategy')!;
  const merge = chart.workloads.find(({ id }) => id === 'merge')!;

  expect(strategy.command).toEqual(expect.arrayContaining(['--only_strategy', 'True']));
  expect(merge.command).toEqual(expect.arrayContaining(['--strategy', `/artifacts/store/${madeBy(strategy)!}/ckpt_strategy.ckpt`]));
  expect(merge.pod.containers[0]!.image).toBe('registry.corp.example/mindspore-cpu:2.0.0');
});

describe('the way back to Hugging Face', () => {
  const alpha = ({ workloads: all }: Synthesized): string[] => {
    const { command } = all.find(({ id }) => id === 'huggingface')!;
    return command.slice(command.indexOf('--base'), -2);
  };
  const official = (model: GlmModel): { huggingFace: boolean; weightSource: WeightSource } => ({ huggingFace: true, weightSource: WeightSource.huggingFace(model, OFFICIAL) });
  const base = expect.stringMatching(/^\/artifacts\/store\/chatglm3?-6b-[0-9a-f]{10}$/) as string;

  test('puts adapters into the weights with the number of their training, and knows when there are none', () => {
    const [three, first] = [official(GlmModel.CHATGLM3_6B), official(GlmModel.CHATGLM_6B)];

    expect([alpha(glm3({ ...three, lora: true })), alpha(glm({ ...first, lora: true }))]).toEqual(Array(2).fill(['--base', base, '--lora-alpha', '32']));
    expect(alpha(glm3({ ...three, lora: true, settings: { 'model.model_config.pet_config.lora_alpha': '16' } }))).toEqual(['--base', base, '--lora-alpha', '16']);
    expect([alpha(glm3(three)), alpha(glm(first))]).toEqual(Array(2).fill(['--base', base]));
  });

  test('is told by the chart where it was asked for', () => {
    const chart = (props: MindFormersGlm3ChartProps): MindFormersGlm3Chart => new MindFormersGlm3Chart(Testing.app(), 'glm', { platform: everyVendor(), ...props });

    expect([chart({}).huggingFace, chart(official(GlmModel.CHATGLM3_6B)).huggingFace?.format]).toEqual([undefined, ArtifactFormat.HUGGING_FACE]);
  });

  test.each([() => glm3({ huggingFace: true }), () => glm({ huggingFace: true })])('needs the official weights', (synthesize) => {
    expect(thrownBy(synthesize)).toBe('\'huggingFace\' needs \'weightSource\': configuration, remote code and tokenizer come from the official weights, and a ready checkpoint has none');
  });
});

test('the Trainer\'s route has the numbers of the guide\'s task.py', () => {
  expect(fine(glm({ program: MindFormersProgram.TRAINER })).command).toEqual(expect.arrayContaining([
    'runner_config.batch_size=4', 'lr_schedule.learning_rate=0.00005', 'lr_schedule.warmup_steps=100', 'parallel_config.model_parallel=8',
  ]));
});

test('a chart trains as a fine-tune can be told to', () => {
  const lengths = { maxSourceLength: 32, maxTargetLength: 96 };
  const { command } = fine(glm3({
    ...lengths, maxTargetLength: 95, seqLength: 128, dataParallel: 4, modelParallel: 2, recompute: false, flashAttention: true, saveSteps: 50, keepCheckpoints: 3, learningRate: 3e-5, epochs: 2,
  }));
  expect(command).toEqual(expect.arrayContaining([
    '--model.model_config.seq_length=128', '--train_dataset.max_source_length=32', '--train_dataset.max_target_length=95', '--parallel_config.data_parallel=4',
    '--parallel_config.model_parallel=2', '--recompute_config.recompute=False', '--model.model_config.use_flash_attention=True', 'callbacks[CheckpointMointor].save_checkpoint_steps=50',
    'callbacks[CheckpointMointor].keep_checkpoint_max=3', '--lr_schedule.learning_rate=0.00003',
  ]));
  expect(fine(glm3({ nodes: 2, platform: VOLCANO, modelParallel: 2, pipelineStages: 2 })).command).toEqual(expect.arrayContaining(['--parallel_config.pipeline_stage=2']));

  const first = glm(lengths);
  expect(fine(first).command).toEqual(expect.arrayContaining(['model.model_config.seq_length=128']));
  expect(first.workloads.find(({ id }) => id === 'dataset')!.command).toEqual(expect.arrayContaining(['--train-lengths', '32,96', '--eval-lengths', '256,256']));
});

test('a chart tells what it made, on the store that it was given', () => {
  const store = { storeName: 'store', shared: true, readOnly: false, volumeSource: { persistentVolumeClaim: { claimName: 'mine' } } };
  const chart = new MindFormersGlm3Chart(Testing.app(), 'glm', { platform: everyVendor(), store, prompts: ['1 + 1?'], minimumScores: { 'bleu-4': 5 }, replicas: 3 });
  const { objects, workloads: all } = synthesized(Testing.synth(chart) as KubernetesObject[]);

  expect([chart.checkpoint, chart.tuned, chart.merged, chart.evaluation, chart.answers].map(({ format }) => format)).toEqual([
    ArtifactFormat.MINDSPORE, ArtifactFormat.MINDSPORE_SHARDS, ArtifactFormat.MINDSPORE, ArtifactFormat.EVALUATION, ArtifactFormat.ANSWERS,
  ]);
  expect(objects.filter(({ kind }) => kind === 'PersistentVolumeClaim')).toEqual([]);
  expect(all.find(({ id }) => id === 'evaluate')!.command).toEqual(expect.arrayContaining(['--minimum', 'bleu-4=5']));
  expect(all.find(({ id }) => id === 'serve')!.object.spec).toMatchObject({ replicas: 3 });
  const prompts = objects.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name.startsWith('glm-predict-files')) as KubernetesObject & { data: Record<string, string> };
  expect(Object.values(prompts.data).map((text) => JSON.parse(text) as unknown)).toEqual([['1 + 1?']]);
});
