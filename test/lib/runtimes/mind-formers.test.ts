import { Accelerator, Architecture, ArtifactFormat, GlmModel, MindFormersLauncher, type MindFormersOptions, MindFormersVersion, RankTable, Runtime } from 'cdk8s-chatglm';
import * as fc from 'fast-check';

import type { FinetuneRequest, FinetuneSettings } from '../../../lib/runtimes/runtime-dialect';
import { artifact } from '../../support/synthesized';
import { finetuneRequest } from '../../support/task-requests';
import { thrownBy } from '../../support/thrown';

const version = MindFormersVersion.COMMIT_3354237;
const sourceTree = artifact(ArtifactFormat.SOURCE_TREE, 'mindformers');
const runtime = (options: Partial<MindFormersOptions> = {}) => Runtime.mindFormers({ version, sourceTree, ...options });
const finetune = (request: Partial<FinetuneRequest> = {}, options: Partial<MindFormersOptions> = {}) => runtime(options)._finetune(finetuneRequest(request));
const withSettings = (settings: FinetuneSettings, request: Partial<FinetuneRequest> = {}) => finetune({ settings, ...request });

/** The words of a command from the first of them on that is equal to a word. */
const from = (command: readonly unknown[], word: string) => command.slice(command.lastIndexOf(word));

describe('the fine-tune of the ChatGLM3 guide', () => {
  const task = finetune();
  const out = task.output.path;

  test('runs under lease, launcher and the source tree\'s own program, with all that the guide sets by hand', () => {
    expect(task.command).toEqual([
      'python3', '/opt/cdk8s-chatglm/run_task.py', '--output', out, '--name', 'tuned', '--lineage', task.output.lineage, '--format', 'mindspore-shards',
      '--require', 'checkpoint/rank_*/*.ckpt', '--',
      'python3', '/opt/cdk8s-chatglm/check_start.py', '--vendor', 'ascend', '--devices', '8', '--package', 'mindspore==2.2.11', '--cann', '7.0.0.beta1', '--run-check', 'mindspore', '--',
      'python3', '/opt/cdk8s-chatglm/launch.py', '--devices', '8', '--rank-env', 'mindspore', '--rank-table', 'generated', '--work-dir', '/work', '--log-dir', `${out}/log`,
      '--grace', '90', '--progress', 'mindformers', '--',
      'python3', '/opt/cdk8s-chatglm/train_rank.py', '--output', out, '--config', '/artifacts/store/mindformers/configs/glm3/run_glm3_6b_finetune_800T_A2_64G.yaml',
      '--set', 'callbacks[CheckpointMointor].keep_checkpoint_max=2', '--resume', 'resume-training', '--save-on-term', '--',
      '/artifacts/store/mindformers/run_mindformer.py', '--config', '/artifacts/store/mindformers/configs/glm3/run_glm3_6b_finetune_800T_A2_64G.yaml',
      '--run_mode', 'finetune', '--use_parallel', 'True', '--output_dir', out,
      '--load_checkpoint', '/artifacts/store/checkpoint/glm3_6b.ckpt',
      '--train_dataset_dir', '/artifacts/store/adgen/train.json', '--eval_dataset_dir', '/artifacts/store/adgen/dev.json',
      '--epochs', '1', '--batch_size', '4',
      '--context.max_device_memory=59GB',
      '--train_dataset.tokenizer.vocab_file=/artifacts/store/checkpoint/tokenizer.model', '--eval_dataset.tokenizer.vocab_file=/artifacts/store/checkpoint/tokenizer.model',
      '--model.model_config.seq_length=192', '--train_dataset.max_source_length=64', '--train_dataset.max_target_length=127',
      '--parallel_config.data_parallel=8', '--parallel_config.model_parallel=1', '--parallel_config.pipeline_stage=1',
    ]);
  });

  test('waits for source tree, checkpoint and data, and writes all ranks\' checkpoints', () => {
    expect(task.inputs.map(({ directory }) => directory)).toEqual(['mindformers', 'checkpoint', 'adgen']);
    expect(task.output.format).toBe(ArtifactFormat.MINDSPORE_SHARDS);
  });

  test('asks for the cores that its data workers need, memory for every rank\'s copy, and shared memory', () => {
    expect(task.fragment.requests).toEqual({ cpu: '64', memory: '160Gi' });
    expect(task.fragment.volumes).toContainEqual({ name: 'dshm', emptyDir: { medium: 'Memory', sizeLimit: '16384Mi' } });
  });

  test('gives ranks less time to stop than the pod has', () => {
    const grace = Number(from(task.command, '--grace')[1]);

    expect(grace).toBeLessThan(task.fragment.terminationGracePeriodSeconds ?? 0);
  });

  test('runs in the public image, which is for ARM; another image may be for anything', () => {
    expect([task.image, task.architecture]).toEqual([version.image, Architecture.ARM64]);
    expect(finetune({}, { image: 'registry.example/mindformers:1' })).toMatchObject({ image: 'registry.example/mindformers:1', architecture: undefined });
  });

  test('tells the memory estimate its numbers', () => {
    expect(task).toMatchObject({ batchSize: 4, seqLength: 192, devicesPerReplica: 1, recompute: true });
  });
});

describe('adapters', () => {
  const PET = 'model.model_config.pet_config';
  const parameters = (settings: Record<string, string> = {}, request: Partial<FinetuneRequest> = {}, options: Partial<MindFormersOptions> = {}) => (
    finetune({ lora: true, settings: { settings }, ...request }, options).adapterParameters
  );

  // What PEFT counts, too, with rank 8 at query_key_value.
  test.each([[GlmModel.CHATGLM3_6B, 1_949_696], [GlmModel.CHATGLM2_6B, 1_949_696], [GlmModel.CHATGLM_6B, 3_670_016]])('of %s have %i parameters', (model, count) => {
    expect(parameters({}, { model })).toBe(count);
  });

  test('have as many more as their rank is higher, and at other layers at most those of all', () => {
    expect(parameters({ [`${PET}.lora_rank`]: '16' })).toBe(2 * 1_949_696);
    expect(parameters({ [`${PET}.target_modules`]: '.*dense*' })).toBe(28 * 8 * (4096 + 4608 + 4096 + 4096 + 4096 + 2 * 13696 + 13696 + 4096));
  });

  test('are what the memory is for, unless nothing is frozen to get the strategy', () => {
    expect(finetune()).not.toHaveProperty('adapterParameters');
    expect(finetune({ lora: true, onlyStrategy: true })).not.toHaveProperty('adapterParameters');
  });
});

describe('rank tables', () => {
  test('that pods make need the addresses of the node\'s devices', () => {
    expect(finetune().fragment.mounts).toEqual(expect.arrayContaining([
      expect.objectContaining({ mountPath: '/usr/local/Ascend/driver/tools/hccn_tool', readOnly: true }), expect.objectContaining({ mountPath: '/etc/hccn.conf', readOnly: true }),
    ]));
  });

  test.each([
    [RankTable.OPERATOR, ['--rank-env', 'mindspore', '--rank-table', 'operator']],
    [RankTable.NONE, ['--rank-env', 'mindspore-cluster', '--rank-table', 'none']],
    [RankTable.fromFile('/user/config/jobstart_hccl.json'), ['--rank-env', 'mindspore', '--rank-table', 'file', '--rank-table-file', '/user/config/jobstart_hccl.json']],
  ])('from elsewhere need none: %#', (rankTable, words) => {
    const task = finetune({ rankTable });

    expect(from(task.command, '--rank-env').slice(0, words.length)).toEqual(words);
    expect(JSON.stringify(task.fragment.mounts)).not.toContain('hccn');
  });

  test('have an absolute path', () => {
    expect(thrownBy(() => RankTable.fromFile('hccl.json'))).toBe('a rank table\'s path must be absolute, got \'hccl.json\'');
  });
});

test('msrun wants no rank table, and what it starts has one folder in common for the driver\'s logs', () => {
  const msrun = runtime({ version: MindFormersVersion.R1_1, image: 'registry.example/mindformers:1', launcher: MindFormersLauncher.MSRUN });
  const { output, fragment: { env } } = msrun._finetune(finetuneRequest({ rankTable: RankTable.NONE }));

  expect([msrun._rankTable, runtime()._rankTable]).toEqual([RankTable.NONE, undefined]);
  expect(env).toContainEqual({ name: 'ASCEND_PROCESS_LOG_PATH', value: `${output.path}/log/ascend` });
  expect(JSON.stringify(finetune().fragment.env)).not.toContain('ASCEND_PROCESS_LOG_PATH');
});

test('where an operator runs the scheduler, ranks meet at the address that it gives, and the scheduler starts no rank', () => {
  const task = finetune({ rankTable: RankTable.NONE, schedulerRole: true });

  const rendezvous = ['--rendezvous-host', { template: '$(MS_SCHED_HOST)' }, '--rendezvous-port', { template: '$(MS_SCHED_PORT)' }];
  expect(from(task.command, '--scheduler').slice(0, 6)).toEqual(['--scheduler', 'outside', ...rendezvous]);
  expect(from(task.schedulerTask?.command ?? [], '--scheduler').slice(0, 6)).toEqual(['--scheduler', 'only', ...rendezvous]);
  expect(task.schedulerTask?.command).not.toContain('/opt/cdk8s-chatglm/run_task.py');
  expect(finetune()).not.toHaveProperty('schedulerTask');
});

test('the vendor\'s environment is sourced inside the lease and outside the launcher', () => {
  const task = finetune({}, { setEnvScripts: ['/usr/local/Ascend/ascend-toolkit/set_env.sh'] });

  const words = task.command.filter((word) => typeof word === 'string' && word.startsWith('/opt/cdk8s-chatglm/'));
  expect(words).toEqual(['run_task.py', 'with_vendor_env.sh', 'check_start.py', 'launch.py', 'train_rank.py'].map((script) => `/opt/cdk8s-chatglm/${script}`));
  expect(task.fragment.scripts).toEqual(['run_task', 'launch', 'train_rank', 'with_vendor_env', 'check_start']);
});

describe('settings', () => {
  test('become the arguments of their keys, the caller\'s own last', () => {
    const { command } = withSettings({
      epochs: 2, batchSize: 1, learningRate: 5e-5, maxSourceLength: 1024, maxTargetLength: 1023, dataParallel: 2, modelParallel: 2, pipelineStages: 2, recompute: false,
      flashAttention: true, settings: { 'runner_config.sink_size': '4', 'parallel_config.micro_batch_num': '16' },
    });

    expect(from(command, '--epochs')).toEqual([
      '--epochs', '2', '--batch_size', '1', '--context.max_device_memory=59GB',
      '--train_dataset.tokenizer.vocab_file=/artifacts/store/checkpoint/tokenizer.model', '--eval_dataset.tokenizer.vocab_file=/artifacts/store/checkpoint/tokenizer.model',
      '--model.model_config.seq_length=2048', '--train_dataset.max_source_length=1024', '--train_dataset.max_target_length=1023',
      '--parallel_config.data_parallel=2', '--parallel_config.model_parallel=2', '--parallel_config.pipeline_stage=2', '--parallel_config.micro_batch_num=16',
      '--lr_schedule.learning_rate=0.00005', '--recompute_config.recompute=False', '--model.model_config.use_flash_attention=True', '--runner_config.sink_size=4',
    ]);
  });

  test('leave the devices that model and pipeline parallelism do not use to data parallelism', () => {
    fc.assert(fc.property(fc.constantFrom(1, 2, 4, 8), fc.constantFrom(1, 2, 4, 8), fc.constantFrom(1, 2, 4, 8), (devicesPerNode, modelParallel, pipelineStages) => {
      fc.pre(devicesPerNode % (modelParallel * pipelineStages) === 0);

      const task = withSettings({ modelParallel, pipelineStages }, { devicesPerNode });

      expect(task.command).toContain(`--parallel_config.data_parallel=${String(devicesPerNode / (modelParallel * pipelineStages))}`);
      expect(task.devicesPerReplica).toBe(modelParallel * pipelineStages);
    }));
  });

  test.each<[FinetuneSettings, string]>([
    [{ epochs: 0 }, '\'epochs\' must be a whole number from 1, got 0'],
    [{ batchSize: 1.5 }, '\'batchSize\' must be a whole number from 1, got 1.5'],
    [{ learningRate: 1 }, '\'learningRate\' must be from 1e-10 to below 1, got 1'],
    [{ learningRate: Number.NaN }, '\'learningRate\' must be from 1e-10 to below 1, got NaN'],
    [{ modelParallel: 3 }, '\'modelParallel\' * \'pipelineStages\' must divide 8, the devices of the job, got 3 * 1 = 3'],
    [{ dataParallel: 4 }, '\'dataParallel\' * \'modelParallel\' * \'pipelineStages\' must be 8, the devices of the job, got 4 * 1 * 1 = 4'],
    [{ seqLength: 2048 }, '\'seqLength\' must be \'maxSourceLength\' + \'maxTargetLength\' + 1 = 192, got 2048'],
    [{ maxSourceLength: 8192 }, '\'seqLength\' must be at most 8192 for chatglm3-6b, got 8320'],
    [{ maxSourceLength: 65, flashAttention: true }, '\'seqLength\' must be a multiple of 16 with \'flashAttention\', got 193'],
    [{ settings: { epochs: '1' } }, '\'settings\' has \'epochs\': keys are dotted like \'model.model_config.seq_length\', and run_mindformer.py cannot take a value with \'=\', got \'1\''],
    [{ settings: { 'a.b': 'x=y' } }, '\'settings\' has \'a.b\': keys are dotted like \'model.model_config.seq_length\', and run_mindformer.py cannot take a value with \'=\', got \'x=y\''],
  ])('that MindFormers would refuse after minutes are refused at once: %j', (settings, message) => {
    expect(thrownBy(() => withSettings(settings))).toBe(message);
  });
});

describe('the directory', () => {
  const plain = finetune().output.directory;

  test.each<[string, Partial<FinetuneRequest>, Partial<MindFormersOptions>]>([
    ['image', {}, { image: 'registry.example/other:1' }],
    ['place of the vendor\'s environment', {}, { setEnvScripts: ['/opt/set_env.sh'] }],
    ['rank table', { rankTable: RankTable.OPERATOR }, {}],
  ])('does not change with the %s', (_, request, options) => {
    expect(finetune(request, options).output.directory).toBe(plain);
  });

  test.each<[string, Partial<FinetuneRequest>, Partial<MindFormersOptions>]>([
    ['number of epochs', { settings: { epochs: 2 } }, {}],
    ['learning rate', { settings: { learningRate: 1e-5 } }, {}],
    ['split of the model', { settings: { modelParallel: 2 } }, {}],
    ['number of devices', { devicesPerNode: 4 }, {}],
    ['caller\'s own setting', { settings: { settings: { 'runner_config.sink_size': '2' } } }, {}],
    ['checkpoint', { checkpoint: artifact(ArtifactFormat.MINDSPORE, 'other') }, {}],
    ['file of the checkpoint', { checkpointFile: 'other.ckpt' }, {}],
    ['data', { dataset: artifact(ArtifactFormat.DATASET, 'other') }, {}],
    ['source tree', {}, { sourceTree: artifact(ArtifactFormat.SOURCE_TREE, 'other') }],
  ])('changes with the %s', (_, request, options) => {
    expect(finetune(request, options).output.directory).not.toBe(plain);
  });
});

test.each<[() => unknown, string]>([
  [() => runtime({ image: 'mindformers' }), '\'image\' must be pinned by a full tag or a digest, got \'mindformers\''],
  [() => runtime({ sourceTree: artifact(ArtifactFormat.DATASET, 'adgen') }), '\'sourceTree\' must hold source-tree, got dataset (adgen); DownloadFiles with ArtifactFormat.SOURCE_TREE makes one'],
  [() => finetune({ model: GlmModel.GLM_4_9B }), 'runtime \'mindformers\' does not support glm-4-9b; it supports chatglm3-6b, chatglm2-6b, chatglm-6b'],
  [() => finetune({ accelerator: Accelerator.ASCEND_910A }), 'configs/glm3/run_glm3_6b_finetune_800T_A2_64G.yaml of MindFormers 3354237 is written for 910B, not for Ascend910A'],
  [() => finetune({ accelerator: Accelerator.BM1684X }), 'runtime \'mindformers\' does not support BM1684X, which is supported by sophon'],
])('what does not go together is refused: %#', (body, message) => {
  expect(thrownBy(body)).toBe(message);
});
