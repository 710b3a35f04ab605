import type { Artifact } from '../../artifacts/artifact';
import { ArtifactFormat } from '../../artifacts/artifact-format';
import { Dtype } from '../../accelerators/dtype';
import { hostPathMounts } from '../../accelerators/host-path';
import { weightsBytes } from '../../models/memory-estimate';
import type { CommandPart, EnvEntry, PodFragment } from '../../pods/pod-fragment';
import { SecurityLevel } from '../../pods/security-level';
import { RankTable } from '../rank-table';
import { RUN_TASK, runTask } from '../run-task';
import type { FinetuneRequest, FinetuneTask } from '../runtime-dialect';
import { sharedMemory, type Task } from '../task';
import { adapterParameters, madeWith } from './adapters';
import type { MindFormersConfiguration } from './configuration';
import { checkLauncher, launchCommand, launchScript, WORK_PATH } from './launch';
import { MindFormersLauncher } from './launcher';
import { isModernMindSpore, type MindFormersContext, NAME, startCommand, startScripts } from './options';
import { checkPrepared } from './prepared';
import { resolveFinetune } from './resolve';
import type { ResolvedFinetune } from './resolved-finetune';
import { dataFile, definitionOf, STRATEGY_FILE, trainCommand, usesTrainer } from './train';
import type { MindFormersVersion } from './version';

/** Seconds that the pod gets after SIGTERM: more than its ranks. */
const POD_GRACE_SECONDS = 120;

/** Host memory of a rank beside its copy of the checkpoint. */
const RANK_GIBIBYTES = 8;

/** A fine-tune of all parameters or of adapters, on one pod or many. */
export function finetune(request: FinetuneRequest, context: MindFormersContext): FinetuneTask {
  const { image, architecture } = context;
  const resolved = resolveFinetune(request, context.version);
  checkLauncher(request, context);
  checkData(request, resolved.configuration, context.version);
  checkRequest(request, resolved, context);
  const output = madeWith(request.output(ArtifactFormat.MINDSPORE_SHARDS, definition(request, resolved, context)), resolved.adapters);
  const train = trainCommand(request, resolved, context, output);
  const task: Task = {
    name: 'finetune', runtime: NAME, image, architecture,
    command: [
      ...runTask(output, [required(request, context)], { pods: request.nodes, podIndex: request.podIndex }), ...startCommand(context, request.devicesPerNode),
      ...launchCommand(request, output, context), ...train,
    ],
    inputs: [context.sourceTree, request.checkpoint, request.dataset],
    output,
    security: SecurityLevel.VENDOR_DEFAULT,
    fragment: fragment(request, resolved, context, output),
  };
  return {
    ...task,
    output,
    ...(request.schedulerRole && { schedulerTask: schedulerTask(task, [...startCommand(context, undefined), ...launchCommand(request, output, context, 'only'), ...train]) }),
    ...needs(request, resolved),
  };
}

/** What its devices and processors must have room for. A run for the strategy freezes nothing. */
function needs({ model, onlyStrategy }: FinetuneRequest, resolved: ResolvedFinetune): Omit<FinetuneTask, keyof Task> {
  const { batchSize, seqLength, modelParallel, pipelineStages, recompute, configuration: { optimizerParallel }, adapters, dataWorkers } = resolved;
  return {
    batchSize, seqLength, recompute, optimizerParallel, devicesPerReplica: modelParallel * pipelineStages, cpusPerRank: dataWorkers,
    ...(adapters && !onlyStrategy && { adapterParameters: adapterParameters(adapters, model.shape) }),
  };
}

function checkData({ dataset, trainFile }: FinetuneRequest, configuration: MindFormersConfiguration, { name }: MindFormersVersion): void {
  const { files } = configuration.data;
  dataset._require(
    [files === 'mindrecord' ? ArtifactFormat.MINDRECORD : ArtifactFormat.DATASET], 'dataset',
    files === 'mindrecord' ? `MindFormers ${name} reads MindRecord files; PrepareDataset with 'mindRecord' makes them` : `MindFormers ${name} reads JSON lines; PrepareDataset makes them`,
  );
  const reader = `the configuration '${configuration.name}'`;
  checkPrepared(dataset, trainFile ?? dataFile('train', configuration), reader, 'say another \'configuration\', or prepare the data for this one');
}

function checkRequest({ lora, onlyStrategy }: FinetuneRequest, { pipelineStages }: ResolvedFinetune, context: MindFormersContext): void {
  const { version } = context;
  if (pipelineStages > 1 && lora) {
    throw new Error(`'pipelineStages' must be 1 with 'lora', got ${String(pipelineStages)}: adapters train on 'dataParallel' * 'modelParallel' devices, and MindFormers gives them no stage`);
  }
  if (pipelineStages > 1 && !version._row.commandLine.outputFlag) {
    throw new Error(`'pipelineStages' must be 1 with MindFormers ${version.name}, whose strategy file tells the layout of one stage, got ${String(pipelineStages)}`);
  }
  if (onlyStrategy && !version._row.commandLine.dottedOverrides && (isModernMindSpore(context) || !lora)) {
    throw new Error(`'onlyStrategy' is for 'lora' with a MindSpore before 2.0 where MindFormers is ${version.name}; its other fine-tunes leave complete strategy files`);
  }
}

/** What must be there when all ranks have ended. */
function required({ onlyStrategy }: FinetuneRequest, { version }: MindFormersContext): string {
  const strategy = version._row.commandLine.outputFlag ? 'strategy/*.ckpt' : STRATEGY_FILE;
  return onlyStrategy ? strategy : 'checkpoint/rank_*/*.ckpt';
}

/** What the trained checkpoints depend on. */
function definition(request: FinetuneRequest, resolved: ResolvedFinetune, { version, sourceTree, program }: MindFormersContext): Parameters<FinetuneRequest['output']>[1] {
  const { model, checkpoint, checkpointFile, dataset } = request;
  return {
    runtime: NAME, commit: version.commit, program: program.name, ...definitionOf(request, resolved), model: model.name, checkpointFile,
    inputs: [checkpoint, dataset, sourceTree].map(({ lineage }) => lineage),
  };
}

/** MindSpore's scheduler computes nothing, and writes no artifact, so it takes neither lease nor marker. */
function schedulerTask(task: Task, command: readonly CommandPart[]): Task {
  return { ...task, command, fragment: { ...task.fragment, requests: { cpu: '1', memory: '2Gi' } } };
}

function fragment(request: FinetuneRequest, { dataWorkers }: ResolvedFinetune, context: MindFormersContext, output: Artifact): Omit<PodFragment, 'source'> {
  const { model, devicesPerNode, rankTable } = request;
  const checkpointGibibytes = Math.ceil(weightsBytes(model, Dtype.FLOAT16) / 2 ** 30);
  const shm = sharedMemory(2048 * devicesPerNode);
  const hccn = rankTable === RankTable.GENERATED ? hostPathMounts(HCCN_PATHS) : { volumes: [], mounts: [] };
  return {
    scripts: [RUN_TASK, launchScript(context), 'train_rank', ...(usesTrainer(request, context) ? ['train_glm'] : []), ...startScripts(context, devicesPerNode)],
    requests: { cpu: String(dataWorkers * devicesPerNode), memory: `${String((checkpointGibibytes + RANK_GIBIBYTES) * devicesPerNode)}Gi` },
    volumes: [...shm.volumes, ...hccn.volumes, { name: 'work', emptyDir: {} }],
    mounts: [...shm.mounts, ...hccn.mounts, { name: 'work', mountPath: WORK_PATH }],
    terminationGracePeriodSeconds: POD_GRACE_SECONDS,
    env: environment(request, context, output),
  };
}

function environment({ debugLogs, schedulerRole }: FinetuneRequest, { version, launcher }: MindFormersContext, output: Artifact): EnvEntry[] {
  // Our launcher gives each rank a folder of its own for the driver's logs; what msrun starts has one in common.
  const driverLogs = launcher === MindFormersLauncher.MSRUN ? [{ name: 'ASCEND_PROCESS_LOG_PATH', value: `${output.path}/log/ascend` }] : [];
  return [
    { name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
    { name: 'POD_UID', valueFrom: { fieldRef: { fieldPath: 'metadata.uid' } } },
    { name: 'XDL_IP', valueFrom: { fieldRef: { fieldPath: 'status.hostIP' } } },
    ...(debugLogs ? DEBUG_LOGS : driverLogs),
    // A scheduler in a pod of its own waits while the Workers' pods pull their image; read by MindSpore from 2.2.13 on (its release notes).
    ...(schedulerRole ? [{ name: 'MS_TOPO_TIMEOUT', value: '7200' }] : []),
    // Read when MindFormers is imported, so no flag can say it (mindformers@c8a5808 mindformers/tools/utils.py).
    ...(version._row.commandLine.outputFlag ? [] : [{ name: 'LOCAL_DEFAULT_PATH', value: output.path }]),
  ];
}

/** As the ChatGLM3 guide sets them to find faults, and MindSpore's own log at INFO. */
const DEBUG_LOGS: readonly EnvEntry[] = [
  { name: 'ASCEND_GLOBAL_EVENT_ENABLE', value: '0' },
  { name: 'ASCEND_GLOBAL_LOG_LEVEL', value: '2' },
  { name: 'ASCEND_SLOG_PRINT_TO_STDOUT', value: '1' },
  { name: 'GLOG_v', value: '1' },
];

/** Where the device addresses stand on the node; Ascend Docker Runtime mounts neither (mindformers@3354237 tools/hccl_tools.py reads both). */
const HCCN_PATHS = [
  { path: '/usr/local/Ascend/driver/tools/hccn_tool', type: 'File' },
  { path: '/etc/hccn.conf', type: 'File' },
];
