import { Accelerator, ArtifactFormat, GlmModel, MindFormersLauncher, MindFormersProgram, MindFormersVersion, RankTable, Runtime } from 'cdk8s-chatglm';

import type { MindFormersConfiguration } from '../../../lib/runtimes/mind-formers/configuration';
import type { FinetuneRequest } from '../../../lib/runtimes/runtime-dialect';
import type { CommandPart } from '../../../lib/pods/pod-fragment';
import { checkSections, parseRunMindFormer } from '../../support/mindformers-parser';
import { artifact } from '../../support/synthesized';
import { finetuneRequest, outputOf } from '../../support/task-requests';

const sourceTree = artifact(ArtifactFormat.SOURCE_TREE, 'mindformers');
const IMAGE = 'registry.example/mindformers:1';
const CHIPS: Readonly<Record<string, Accelerator>> = { '910A': Accelerator.ASCEND_910A, '910B': Accelerator.ASCEND_910B3 };

interface Case {
  readonly title: string;
  readonly version: MindFormersVersion;
  readonly model: GlmModel;
  readonly configuration: MindFormersConfiguration;
  readonly series: string;
}

/** Every configuration of every version, on every chip that it is written for. */
const CASES: readonly Case[] = MindFormersVersion.all().flatMap((version) => Object.entries(version._row.models).flatMap(([name, { configurations }]) => (
  configurations.flatMap((configuration) => configuration.series.map((series) => ({
    title: `${version.name} ${name} ${configuration.name}${configuration.lora ? ' lora' : ''} ${series}`,
    version, configuration, series, model: GlmModel.all().find((model) => model.name === name)!,
  }))))));

const CALLER = {
  epochs: 3, batchSize: 2, learningRate: 3e-5, recompute: true, saveSteps: 50, keepCheckpoints: 3, settings: { 'runner_config.sink_size': '2', 'lr_schedule.warmup_steps': '0' },
};

function request({ model, configuration, series }: Omit<Case, 'title'>, extra: Partial<FinetuneRequest> = {}): FinetuneRequest {
  const dataset = artifact(configuration.data.files === 'mindrecord' ? ArtifactFormat.MINDRECORD : ArtifactFormat.DATASET, 'data');
  return finetuneRequest({ model, dataset, configuration: configuration.name, lora: configuration.lora, accelerator: CHIPS[series]!, ...extra });
}

/** The words of run_mindformer.py, and what train_rank.py changes before. */
function programOf(command: readonly CommandPart[]): { words: string[]; patches: Record<string, string> } {
  const words = command.map(String);
  const program = words.indexOf('/artifacts/store/mindformers/run_mindformer.py');
  const patches = words.flatMap((word, index) => words[index - 1] === '--set' ? [[word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]] : []);
  return { words: words.slice(program + 1), patches: Object.fromEntries(patches) as Record<string, string> };
}

/** Lists are leaves among the known keys: their entries are chosen by type. */
const withoutLists = (patches: Record<string, string>): Record<string, string> => Object.fromEntries(Object.entries(patches).filter(([key]) => !key.includes('[')));

test('there is a case of every version and of the models that the guides are about', () => {
  expect(CASES.map(({ title }) => title)).toEqual(expect.arrayContaining([
    'c8a5808 chatglm-6b adgen 910A', 'c8a5808 chatglm-6b adgen lora 910A', '3354237 chatglm3-6b adgen 910B', '3354237 chatglm3-6b 2k 910B',
    '3354237 chatglm3-6b multi-turn 910B', '3354237 chatglm3-6b adgen lora 910B', '1.0.2 chatglm3-6b 2k 910B', '1.1.0 chatglm3-6b multi-turn 910B',
    '1.2.0 chatglm2-6b 2k lora 910B', '1.3.2 chatglm3-6b adgen 910B',
  ]));
  expect(new Set(CASES.map(({ version }) => version))).toEqual(new Set(MindFormersVersion.all()));
});

describe('what a fine-tune runs', () => {
  test.each(CASES.map((each) => [each.title, each] as const))('%s is accepted by the version\'s own program', (_title, each) => {
    const { version, configuration } = each;
    const task = Runtime.mindFormers({ version, sourceTree, image: IMAGE })._finetune(request(each, { settings: CALLER, nodes: 2, podIndex: '$(INDEX)' }));
    const { words, patches } = programOf(task.command);
    const { flags, overrides } = parseRunMindFormer(version, words);

    expect(flags).toMatchObject({
      config: [`/artifacts/store/mindformers/${configuration.file}`], run_mode: ['finetune'], use_parallel: ['True'], epochs: ['3'], batch_size: ['2'],
    });
    checkSections({ ...overrides, ...withoutLists(patches) }, configuration.keys);
    expect({ ...overrides, ...patches }).toMatchObject({
      'lr_schedule.learning_rate': '0.00003', 'runner_config.sink_size': '2', 'recompute_config.recompute': 'True',
      [`callbacks[${version._row.checkpointCallback}].save_checkpoint_steps`]: '50', [`callbacks[${version._row.checkpointCallback}].keep_checkpoint_max`]: '3',
    });
  });

  test.each(CASES.filter(({ configuration }) => configuration.lora).map((each) => [each.title, each] as const))('%s has complete strategies where the version can say so', (_title, each) => {
    const task = Runtime.mindFormers({ version: each.version, sourceTree, image: IMAGE })._finetune(request(each));
    const { patches } = programOf(task.command);

    expect(patches['parallel.strategy_ckpt_config.only_trainable_params']).toBe(each.version === MindFormersVersion.COMMIT_C8A5808 ? undefined : 'False');
  });

  test('the configurations themselves keep the rules of the lengths', () => {
    for (const each of CASES) {
      const { seqLength } = Runtime.mindFormers({ version: each.version, sourceTree, image: IMAGE })._finetune(request(each));

      expect([each.title, seqLength % 16]).toEqual([each.title, 0]);
    }
  });

  test('msrun starts the same program', () => {
    const each = CASES.find(({ title }) => title === '1.1.0 chatglm3-6b adgen 910B')!;
    const start = (launcher: MindFormersLauncher) => Runtime.mindFormers({ version: each.version, sourceTree, image: IMAGE, launcher })
      ._finetune(request(each, { rankTable: RankTable.NONE, nodes: 2, podIndex: '$(INDEX)', firstPod: '$(FIRST_POD)' })).command;
    const own = start(MindFormersLauncher.LAUNCH);
    const theirs = start(MindFormersLauncher.MSRUN);

    expect(programOf(theirs)).toEqual(programOf(own));
    expect(theirs.slice(theirs.indexOf('/opt/cdk8s-chatglm/launch_msrun.py'), theirs.indexOf('/opt/cdk8s-chatglm/train_rank.py'))).toEqual([
      '/opt/cdk8s-chatglm/launch_msrun.py', '--pods', '2', '--pod-index', { template: '$(INDEX)' }, '--devices', '8', '--master-host', { template: '$(FIRST_POD)' },
      '--port', '8118', '--cluster-time-out', '7200', '--work-dir', '/work', '--progress', 'mindformers', '--log-dir', expect.stringMatching(/^\/artifacts\/store\/tuned-\w+\/log$/), '--grace', '90', '--', 'python3',
    ]);
  });
});

test('a scheduler in a pod of its own waits while the Workers\' pods pull their image', () => {
  const each = CASES.find(({ title }) => title === '1.1.0 chatglm3-6b adgen 910B')!;
  const timeout = (schedulerRole: boolean) => Runtime.mindFormers({ version: each.version, sourceTree, image: IMAGE })
    ._finetune(request(each, { rankTable: RankTable.NONE, nodes: 2, podIndex: '$(INDEX)', schedulerRole })).fragment.env?.filter(({ name }) => name === 'MS_TOPO_TIMEOUT');

  expect([timeout(true), timeout(false)]).toEqual([[{ name: 'MS_TOPO_TIMEOUT', value: '7200' }], []]);
});

describe('what an evaluation runs', () => {
  const EVALUATIONS = [...new Map(CASES.map((each) => [`${each.version.name} ${each.model.name}${each.configuration.lora ? ' lora' : ''}`, each])).entries()];

  test.each(EVALUATIONS)('%s is accepted by the version\'s own program', (_title, { version, model, configuration, series }) => {
    const { lora } = configuration;
    const runtime = Runtime.mindFormers({ version, sourceTree, image: IMAGE, lora });
    const known = version._row.models[model.name]!;
    const evaluation = lora ? known.loraEvaluation : known.evaluation;
    const dataset = artifact(evaluation.data.files === 'mindrecord' ? ArtifactFormat.MINDRECORD : ArtifactFormat.DATASET, 'data');
    const task = runtime._step('evaluate', {
      ...outputOf('scores'), model, weights: artifact(ArtifactFormat.MINDSPORE, 'merged'), accelerator: CHIPS[series]!, dataset,
    });
    const { words, patches } = programOf(task.command);
    const { flags, overrides } = parseRunMindFormer(version, words);

    expect(flags).toMatchObject({ run_mode: ['eval'], use_parallel: ['False'], batch_size: ['1'], device_id: ['0'], config: [`/artifacts/store/mindformers/${evaluation.file}`] });
    // The checkpoint reaches the model by exactly one way: the guides' versions drop the flag.
    const checkpoint = `/artifacts/store/merged/${known.name}.ckpt`;
    const dropped = [MindFormersVersion.COMMIT_C8A5808, MindFormersVersion.COMMIT_3354237].includes(version);
    expect([flags.load_checkpoint, overrides['model.model_config.checkpoint_name_or_path']]).toEqual(dropped ? [undefined, checkpoint] : [[checkpoint], undefined]);
    const sections = known.configurations.find(({ file }) => file === evaluation.file)?.keys ?? known.configurations[0]!.keys;
    checkSections({ ...overrides, ...patches }, sections);
  });
});

test('the Trainer\'s script gets the numbers by the configuration, and MindFormers\' names for the rest', () => {
  const each = CASES.find(({ title }) => title === 'c8a5808 chatglm-6b adgen lora 910A')!;
  const runtime = Runtime.mindFormers({ version: each.version, sourceTree, image: IMAGE, program: MindFormersProgram.TRAINER });
  const { command } = runtime._finetune(request(each, { devicesPerNode: 4, settings: { epochs: 2, batchSize: 4 } }));
  const script = command.indexOf('/opt/cdk8s-chatglm/train_glm.py');

  expect(command.slice(script)).toEqual([
    '/opt/cdk8s-chatglm/train_glm.py', '--source-tree', '/artifacts/store/mindformers', '--config', '/artifacts/store/mindformers/configs/glm/run_glm_6b_lora.yaml',
    '--task', 'text_generation', '--model_type', 'glm_6b_lora', '--run_mode', 'finetune', '--use_parallel', 'True', '--load_checkpoint', '/artifacts/store/checkpoint/glm_6b.ckpt',
    '--train_dataset_dir', '/artifacts/store/data/train.mindrecord', '--eval_dataset_dir', '/artifacts/store/data/eval.mindrecord',
  ]);
  expect(programOf(command).patches).toMatchObject({ 'runner_config.epochs': '2', 'runner_config.batch_size': '4', 'parallel_config.model_parallel': '4', 'parallel_config.data_parallel': '1' });
});
