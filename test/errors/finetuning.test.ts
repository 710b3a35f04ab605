import { Chart, Duration, Size, Testing } from 'cdk8s';
import {
  Accelerator, Architecture, ArtifactFormat, FinetuneJob, type FinetuneJobProps, GlmModel, MindFormersVersion, NodeType, type PlatformProps, RankTable, Runtime,
  Scheduler, WorkloadKind,
} from 'cdk8s-chatglm';

import { refuses } from '../support/bad-input';
import { artifact, chartWith, CHIP, everyVendor } from '../support/synthesized';
import { finetune, FINETUNE } from '../support/workloads';

const tune = (props: Partial<FinetuneJobProps>, platform?: PlatformProps) => () => finetune(props, platform);
const VOLCANO = { ...everyVendor(), scheduler: Scheduler.volcano() };

describe('model, runtime and chip', () => {
  refuses([
    ['a runtime that cannot train', tune({ runtime: Runtime.echo() }), '[test/finetune] runtime \'echo\' cannot fine-tune; use Runtime.mindFormers'],
    ['a runtime of another vendor', tune({ runtime: Runtime.sophon({ image: 'registry.corp.example/sophon:1.0' }) }), '[test/finetune] runtime \'sophon\' cannot fine-tune; use Runtime.mindFormers'],
    ['a model without a configuration', tune({ model: GlmModel.CHATGLM2_6B_32K, configuration: 'adgen' }), '[test/finetune] runtime \'mindformers\' does not support chatglm2-6b-32k; it supports chatglm3-6b, chatglm2-6b, chatglm-6b'],
    ['GLM-4', tune({ model: GlmModel.GLM_4_9B }), '[test/finetune] runtime \'mindformers\' does not support glm-4-9b; it supports chatglm3-6b, chatglm2-6b, chatglm-6b'],
    ['a chip of another vendor', tune({ accelerator: Accelerator.MLU370_X8 }), '[test/finetune] runtime \'mindformers\' does not support MLU370-X8, which is supported by cambricon-pytorch'],
    ['a chip for inference', tune({ accelerator: Accelerator.ASCEND_310P_300I_DUO_96G }), '[test/finetune] runtime \'mindformers\' does not support Ascend310P 300I Duo 96G, which is supported by atb-models, mindie'],
    ['a chip that the configuration is not written for', tune({ accelerator: Accelerator.ASCEND_910A }), '[test/finetune] configs/glm3/run_glm3_6b_finetune_800T_A2_64G.yaml of MindFormers 3354237 is written for 910B, not for Ascend910A'],
    ['the public image, which is for ARM, on an x86 server', tune({
      nodeType: NodeType.custom({ name: 'x86 server', accelerators: [CHIP], devicesPerNode: 8, architecture: Architecture.AMD64 }),
    }), '[test/finetune] the image swr.cn-central-221.ovaijisuan.com/mindformers/mindformers1.0_mindspore2.2.11:aarch_20240125 is for arm64, but x86 server is amd64; give an \'image\' for it'],
    ['an image that moves', () => Runtime.mindFormers({
      version: MindFormersVersion.COMMIT_3354237, sourceTree: artifact(ArtifactFormat.SOURCE_TREE), image: 'mindformers:latest',
    }), '\'image\' must be pinned by a full tag or a digest, got \'mindformers:latest\''],
  ]);
});

describe('devices and memory', () => {
  refuses([
    ['no devices', tune({ devicesPerNode: 0 }), '[test/finetune] \'devicesPerNode\' must be a whole number from 1, got 0'],
    ['half a device', tune({ devicesPerNode: 7.5 }), '[test/finetune] \'devicesPerNode\' must be a whole number from 1, got 7.5'],
    ['more devices than the node has', tune({ devicesPerNode: 16 }), '[test/finetune] \'devicesPerNode\' must be one of 1, 2, 3, 4, 5, 6, 7, 8 for a pod on Atlas 800T A2, got 16'],
    ['a full fine-tune on one device', tune({ devicesPerNode: 1 }), '[test/finetune] chatglm3-6b needs 71.3 GiB on each of 1 devices to fine-tune in float16 with 4 x 192 tokens, and Ascend910B3 has 64.0 GiB: 7.3 GiB too little; splitting the model over 2 times as many devices would fit, or set \'skipMemoryCheck\''],
    ['a full fine-tune on two devices of 32 GiB', tune({ devicesPerNode: 2, deviceMemory: Size.gibibytes(32) }), '[test/finetune] chatglm3-6b needs 48.1 GiB on each of 2 devices to fine-tune in float16 with 4 x 192 tokens, and Ascend910B3 has 32.0 GiB: 16.1 GiB too little; splitting the model over 4 times as many devices would fit, or set \'skipMemoryCheck\''],
    ['a batch that fits no device', tune({ batchSize: 512 }), '[test/finetune] chatglm3-6b needs 135.0 GiB on each of 8 devices to fine-tune in float16 with 512 x 192 tokens, and Ascend910B3 has 64.0 GiB: 71.0 GiB too little; splitting the model over 4 times as many devices would fit, or set \'skipMemoryCheck\''],
  ]);
});

describe('parallelism and lengths', () => {
  refuses([
    ['a product that is not the devices', tune({ dataParallel: 4, modelParallel: 1 }), '[test/finetune] \'dataParallel\' * \'modelParallel\' * \'pipelineStages\' must be 8, the devices of the job, got 4 * 1 * 1 = 4'],
    ['model parallelism that does not divide the devices', tune({ modelParallel: 3 }), '[test/finetune] \'modelParallel\' * \'pipelineStages\' must divide 8, the devices of the job, got 3 * 1 = 3'],
    ['more stages than layers', tune({ pipelineStages: 29, dataParallel: 1, modelParallel: 1, devicesPerNode: 29 }), '[test/finetune] \'pipelineStages\' must be at most 28, the layers of the model, got 29'],
    ['no model parallelism', tune({ modelParallel: 0 }), '[test/finetune] \'modelParallel\' must be a whole number from 1, got 0'],
    ['half a stage', tune({ pipelineStages: 0.5 }), '[test/finetune] \'pipelineStages\' must be a whole number from 1, got 0.5'],
    ['a length that is not source + target + 1', tune({ seqLength: 256 }), '[test/finetune] \'seqLength\' must be \'maxSourceLength\' + \'maxTargetLength\' + 1 = 192, got 256'],
    ['a length that is not the configuration\'s', tune({ seqLength: 192, maxSourceLength: 128 }), '[test/finetune] \'seqLength\' must be \'maxSourceLength\' + \'maxTargetLength\' + 1 = 256, got 192'],
    ['more tokens than the model has', tune({ maxSourceLength: 8192 }), '[test/finetune] \'seqLength\' must be at most 8192 for chatglm3-6b, got 8320'],
    ['flash attention of a length that is no multiple of 16', tune({ flashAttention: true, maxSourceLength: 63 }), '[test/finetune] \'seqLength\' must be a multiple of 16 with \'flashAttention\', got 191'],
    ['no prompt', tune({ maxSourceLength: 0 }), '[test/finetune] \'maxSourceLength\' must be a whole number from 1, got 0'],
    ['a negative answer', tune({ maxTargetLength: -1 }), '[test/finetune] \'maxTargetLength\' must be a whole number from 1, got -1'],
  ]);
});

describe('settings', () => {
  refuses([
    ['no epoch', tune({ epochs: 0 }), '[test/finetune] \'epochs\' must be a whole number from 1, got 0'],
    ['half an epoch', tune({ epochs: 0.5 }), '[test/finetune] \'epochs\' must be a whole number from 1, got 0.5'],
    ['endless epochs', tune({ epochs: Infinity }), '[test/finetune] \'epochs\' must be a whole number from 1, got Infinity'],
    ['a batch that is no number', tune({ batchSize: NaN }), '[test/finetune] \'batchSize\' must be a whole number from 1, got NaN'],
    ['a negative learning rate', tune({ learningRate: -1e-5 }), '[test/finetune] \'learningRate\' must be from 1e-10 to below 1, got -0.00001'],
    ['a learning rate of 1', tune({ learningRate: 1 }), '[test/finetune] \'learningRate\' must be from 1e-10 to below 1, got 1'],
    ['a learning rate that is no number', tune({ learningRate: NaN }), '[test/finetune] \'learningRate\' must be from 1e-10 to below 1, got NaN'],
    ['a value with =', tune({ settings: { 'runner_config.sink_size': '2=3' } }), '[test/finetune] \'settings\' has \'runner_config.sink_size\': keys are dotted like \'model.model_config.seq_length\', and run_mindformer.py cannot take a value with \'=\', got \'2=3\''],
    ['a key without a dot', tune({ settings: { sink_size: '2' } }), '[test/finetune] \'settings\' has \'sink_size\': keys are dotted like \'model.model_config.seq_length\', and run_mindformer.py cannot take a value with \'=\', got \'2\''],
    ['a key with =', tune({ settings: { 'runner_config.sink_size=2 --load_checkpoint': 'x' } }), '[test/finetune] \'settings\' has \'runner_config.sink_size=2 --load_checkpoint\': keys are dotted like \'model.model_config.seq_length\', and run_mindformer.py cannot take a value with \'=\', got \'x\''],
    ['a key that is an option', tune({ settings: { '--output_dir.x': '/tmp' } }), '[test/finetune] \'settings\' has \'--output_dir.x\': keys are dotted like \'model.model_config.seq_length\', and run_mindformer.py cannot take a value with \'=\', got \'/tmp\''],
    ['an empty key', tune({ settings: { '': '2' } }), '[test/finetune] \'settings\' has \'\': keys are dotted like \'model.model_config.seq_length\', and run_mindformer.py cannot take a value with \'=\', got \'2\''],
  ]);
});

describe('workload kinds, rank tables and retries', () => {
  refuses([
    ['the operator\'s rank table in a Job', tune({ rankTable: RankTable.OPERATOR }), '[test/finetune] \'rankTable\' of the workload Job must be one of generated, file, none, got operator'],
    ['the operator\'s rank table in an Indexed Job', tune({ workload: WorkloadKind.INDEXED_JOB, rankTable: RankTable.OPERATOR }), '[test/finetune] \'rankTable\' of the workload IndexedJob must be one of generated, file, none, got operator'],
    ['a generated rank table in an AscendJob', tune({ workload: WorkloadKind.ASCEND_JOB, rankTable: RankTable.GENERATED }, VOLCANO), '[test/finetune] \'rankTable\' of the workload AscendJob must be one of none, got generated'],
    ['the operator\'s rank table in an AscendJob', tune({ workload: WorkloadKind.ASCEND_JOB, rankTable: RankTable.OPERATOR }, VOLCANO), '[test/finetune] \'rankTable\' of the workload AscendJob must be one of none, got operator'],
    ['a Volcano Job on a platform without Volcano', tune({ workload: WorkloadKind.VOLCANO_JOB }), '[test/finetune] \'workload\' VolcanoJob is placed by Volcano, but the scheduler of the platform is default; say Scheduler.volcano() there, or use another kind'],
    ['an AscendJob under Kueue', tune({ workload: WorkloadKind.ASCEND_JOB }, { ...everyVendor(), scheduler: Scheduler.kueue({ queue: 'llm' }) }), '[test/finetune] \'workload\' AscendJob is placed by Volcano, but the scheduler of the platform is kueue; say Scheduler.volcano() there, or use another kind'],
    ['a rank table from a relative file', () => RankTable.fromFile('hccl.json'), 'a rank table\'s path must be absolute, got \'hccl.json\''],
    ['negative retries', tune({ backoffLimit: -1 }), '[test/finetune] \'backoffLimit\' must be a whole number from 0, got -1'],
    ['retries that are no number', tune({ backoffLimit: NaN }), '[test/finetune] \'backoffLimit\' must be a whole number from 0, got NaN'],
    ['a deadline of a Volcano Job', tune({ workload: WorkloadKind.VOLCANO_JOB, deadline: Duration.hours(1) }, VOLCANO), '[test/finetune] \'deadline\' is not possible in a VolcanoJob, which knows none; leave it out, or use another \'workload\''],
    ['a negative deadline', () => finetune({ deadline: Duration.hours(-1) }), 'Duration amounts cannot be negative. Received: -1'],
  ]);
});

describe('where a job stands', () => {
  refuses([
    ['an id with a dot', () => new FinetuneJob(chartWith(), 'finetune.adgen', FINETUNE), '[test/finetune.adgen] construct ids become Kubernetes names, so they must be kebab-case like \'finetune-adgen\', got \'finetune.adgen\''],
    ['a chart in capitals', () => new FinetuneJob(new Chart(Testing.app(), 'ChatGLM'), 'finetune', { ...FINETUNE, devicePlugin: everyVendor().devicePlugins![0]! }), '[ChatGLM/finetune] construct ids become Kubernetes names, so they must be kebab-case like \'finetune-adgen\', got \'ChatGLM\''],
    ['the same id twice', () => {
      const chart = chartWith();
      new FinetuneJob(chart, 'finetune', FINETUNE);
      new FinetuneJob(chart, 'finetune', FINETUNE);
    }, 'There is already a Construct with name \'finetune\' in Chart [test]'],
  ]);
});
