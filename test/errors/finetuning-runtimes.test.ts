import {
  Accelerator, ArtifactFormat, type FinetuneJobProps, GlmModel, MindFormersLauncher, type MindFormersOptions, MindFormersProgram, MindFormersVersion, type PlatformProps,
  RankTable, Runtime, Scheduler, WorkloadKind,
} from 'cdk8s-chatglm';
import { Cpu } from 'cdk8s-plus-27';

import { refuses } from '../support/bad-input';
import { artifact, everyVendor, STORE } from '../support/synthesized';
import { finetune } from '../support/workloads';

const tune = (props: Partial<FinetuneJobProps>, platform?: PlatformProps) => () => finetune(props, platform);
const VOLCANO = { ...everyVendor(), scheduler: Scheduler.volcano() };
const sourceTree = artifact(ArtifactFormat.SOURCE_TREE);
const mindFormers = (version: MindFormersVersion, options: Partial<MindFormersOptions> = {}) => Runtime.mindFormers({ version, sourceTree, image: 'registry.example/mindformers:1', ...options });
const MINDRECORD = artifact(ArtifactFormat.MINDRECORD);
/** ChatGLM-6B at c8a5808 on eight 910A. */
const GLM: Partial<FinetuneJobProps> = {
  model: GlmModel.CHATGLM_6B, runtime: mindFormers(MindFormersVersion.COMMIT_C8A5808), accelerator: Accelerator.ASCEND_910A, dataset: MINDRECORD,
};

describe('nodes', () => {
  refuses([
    ['no node', tune({ nodes: 0 }), '[test/finetune] \'nodes\' must be a whole number from 1, got 0'],
    ['half a node', tune({ nodes: 1.5 }), '[test/finetune] \'nodes\' must be a whole number from 1, got 1.5'],
    ['several nodes in a Job', tune({ nodes: 2, workload: WorkloadKind.JOB }), '[test/finetune] \'workload\' Job has one pod, and \'nodes\' is 2; use IndexedJob'],
    ['several nodes in a Job under Volcano', tune({ nodes: 2, workload: WorkloadKind.JOB }, VOLCANO), '[test/finetune] \'workload\' Job has one pod, and \'nodes\' is 2; use VolcanoJob'],
    ['a store of one node', tune({ nodes: 2, store: { ...STORE, storeName: 'local', shared: false } }), '[test/finetune] \'nodes\' is 2, but the store \'local\' can be used on one node only; make it ReadWriteMany, or use one node'],
    ['a split over the devices of one node', tune({ nodes: 12, dataParallel: 8 }), '[test/finetune] \'dataParallel\' * \'modelParallel\' * \'pipelineStages\' must be 96, the devices of the job, got 8 * 1 * 1 = 8'],
    ['heads that cannot be split so', tune({ nodes: 3, modelParallel: 12 }), '[test/finetune] \'modelParallel\' must divide 32, the attention heads of the model, got 12'],
  ]);
});

describe('configurations, adapters and checkpoints', () => {
  refuses([
    ['a configuration that there is not', tune({ configuration: '4k' }), '[test/finetune] \'configuration\' of chatglm3-6b must be one of adgen, 2k, multi-turn in MindFormers 3354237, got \'4k\''],
    ['a configuration that the version has not', tune({ runtime: mindFormers(MindFormersVersion.R1_0), configuration: 'adgen' }), '[test/finetune] \'configuration\' of chatglm3-6b must be one of 2k in MindFormers 1.0.2, got \'adgen\''],
    ['lengths of conversations', tune({ configuration: 'multi-turn', maxSourceLength: 64 }), '[test/finetune] \'maxSourceLength\' is not possible with the configuration \'multi-turn\': conversations are cut to \'seqLength\' as a whole'],
    ['one checkpoint', tune({ keepCheckpoints: 1 }), '[test/finetune] \'keepCheckpoints\' must be a whole number from 2, got 1: the newest may be half written when the job is stopped'],
    ['no step between checkpoints', tune({ saveSteps: 0 }), '[test/finetune] \'saveSteps\' must be a whole number from 1, got 0'],
    ['fewer cores than data workers', tune({ cpu: Cpu.units(4) }), '[test/finetune] \'cpu\' must be at least 8, for each rank reads data in so many processes, got 4; ask for more, or set \'train_dataset.num_parallel_workers\' in \'settings\''],
    ['data workers that are no number', tune({ cpu: Cpu.units(4), settings: { 'train_dataset.num_parallel_workers': 'many' } }), '[test/finetune] \'settings\' has \'train_dataset.num_parallel_workers\', which must be a whole number from 1 to 9999, got \'many\''],
    ['fewer cores than the data workers that were asked for', tune({ cpu: Cpu.millis(15500), settings: { 'train_dataset.num_parallel_workers': '16' } }), '[test/finetune] \'cpu\' must be at least 16, for each rank reads data in so many processes, got 15500m; ask for more, or set \'train_dataset.num_parallel_workers\' in \'settings\''],
    ['a misspelt setting', tune({ settings: { 'model.model_config.seqlength': '192' } }), '[test/finetune] \'settings\' has \'model.model_config.seqlength\', which configs/glm3/run_glm3_6b_finetune_800T_A2_64G.yaml of MindFormers 3354237 has not; the nearest is \'model.model_config.seq_length\''],
    ['a setting that is a prop', tune({ settings: { 'parallel_config.model_parallel': '2' } }), '[test/finetune] \'settings\' has \'parallel_config.model_parallel\', which has a prop of its own: set \'modelParallel\', which is checked'],
    ['flash attention on a 910A', tune({ model: GlmModel.CHATGLM2_6B, accelerator: Accelerator.ASCEND_910A, flashAttention: true }), '[test/finetune] \'flashAttention\' is not possible on Ascend910A, which has no such kernel; leave it out'],
    ['JSON lines for a version that reads MindRecord files', tune({ ...GLM, dataset: artifact(ArtifactFormat.DATASET) }), '[test/finetune] \'dataset\' must hold mindrecord, got dataset (some-dataset); MindFormers c8a5808 reads MindRecord files; PrepareDataset with \'mindRecord\' makes them'],
    ['MindRecord files for a version that reads JSON lines', tune({ dataset: MINDRECORD }), '[test/finetune] \'dataset\' must hold dataset, got mindrecord (some-mindrecord); MindFormers 3354237 reads JSON lines; PrepareDataset makes them'],
    ['flash attention of ChatGLM-6B', tune({ ...GLM, flashAttention: true }), '[test/finetune] \'flashAttention\' is not possible with configs/glm/run_glm_6b_finetune.yaml, whose model has no such kernel; leave it out'],
    ['adapters on other devices than mp x dp', tune({ ...GLM, lora: true, devicesPerNode: 2 }), '[test/finetune] \'modelParallel\' * \'pipelineStages\' must divide 2, the devices of the job, got 4 * 1 = 4'],
    ['adapters in stages', tune({ lora: true, pipelineStages: 2 }), '[test/finetune] \'pipelineStages\' must be 1 with \'lora\', got 2: adapters train on \'dataParallel\' * \'modelParallel\' devices, and MindFormers gives them no stage'],
    ['stages whose strategy one file cannot tell', tune({ ...GLM, modelParallel: 4, pipelineStages: 2 }), '[test/finetune] \'pipelineStages\' must be 1 with MindFormers c8a5808, whose strategy file tells the layout of one stage, got 2'],
    ['strategy files that are complete anyway', tune({ ...GLM, lora: true, devicesPerNode: 4, onlyStrategy: true }), '[test/finetune] \'onlyStrategy\' is for \'lora\' with a MindSpore before 2.0 where MindFormers is c8a5808; its other fine-tunes leave complete strategy files'],
  ]);
});

describe('launchers, programs and images', () => {
  const msrun = (version: MindFormersVersion): Runtime => mindFormers(version, { launcher: MindFormersLauncher.MSRUN });

  refuses([
    ['no rank table for a version that needs one', tune({ ...GLM, rankTable: RankTable.NONE }), '[test/finetune] MindFormers c8a5808 needs a rank table, which this workload has not; use a Job, an IndexedJob or a VolcanoJob with another \'rankTable\''],
    ['an AscendJob of such a version', tune({ ...GLM, workload: WorkloadKind.ASCEND_JOB }, VOLCANO), '[test/finetune] MindFormers c8a5808 needs a rank table, which this workload has not; use a Job, an IndexedJob or a VolcanoJob with another \'rankTable\''],
    ['msrun of a version without', () => msrun(MindFormersVersion.COMMIT_3354237), '\'launcher\' msrun needs MindFormers 1.1.0 or later, got 3354237, whose MindSpore 2.2.11 has none; use MindFormersLauncher.LAUNCH'],
    ['msrun with a rank table', tune({ runtime: msrun(MindFormersVersion.R1_1), rankTable: RankTable.GENERATED }), '[test/finetune] \'rankTable\' must be RankTable.NONE with the launcher msrun, which meets through MindSpore\'s scheduler, got generated'],
    ['msrun in an AscendJob', tune({ runtime: msrun(MindFormersVersion.R1_1), workload: WorkloadKind.ASCEND_JOB }, VOLCANO), '[test/finetune] \'launcher\' msrun starts MindSpore\'s scheduler itself, and an AscendJob brings one; use MindFormersLauncher.LAUNCH'],
    ['the Trainer\'s script with another version', () => mindFormers(MindFormersVersion.R1_2, { program: MindFormersProgram.TRAINER }), '\'program\' trainer is written for MindFormers c8a5808, got 1.2.0; use MindFormersProgram.RUN_MINDFORMER'],
    ['no image', () => Runtime.mindFormers({ version: MindFormersVersion.R1_1, sourceTree }), '\'image\' is needed: MindFormers 1.1.0 has no public image; it goes with MindSpore 2.3.0rc2 and CANN 8.0.RC1.beta1'],
    ['no image of a guide without CANN', () => Runtime.mindFormers({ version: MindFormersVersion.COMMIT_C8A5808, sourceTree }), '\'image\' is needed: MindFormers c8a5808 has no public image; it goes with MindSpore 2.0.0rc1'],
    ['an image for merging that moves', () => mindFormers(MindFormersVersion.R1_0, { mergeImage: 'mindspore' }), '\'mergeImage\' must be pinned by a full tag or a digest, got \'mindspore\''],
    ['a MindSpore without a version', () => mindFormers(MindFormersVersion.R1_0, { mindSpore: 'latest' }), '\'mindSpore\' must be a version like \'2.2.11\', got \'latest\''],
  ]);
});
