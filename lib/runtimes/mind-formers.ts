import type { Artifact } from '../artifacts/artifact';
import { ArtifactFormat } from '../artifacts/artifact-format';
import { Dtype } from '../accelerators/dtype';
import { hostPathMounts } from '../accelerators/host-path';
import { checkImage } from '../image';
import { weightsBytes } from '../models/memory-estimate';
import type { CommandPart, PodFragment } from '../pods/pod-fragment';
import { scriptPath } from '../pods/scripts';
import { SecurityLevel } from '../pods/security-level';
import { finetuneArguments, type ResolvedFinetune, resolveFinetune } from './mind-formers-arguments';
import { type MindFormersVersion } from './mind-formers-version';
import { RUN_TASK, runTask } from './run-task';
import type { FinetuneRequest, FinetuneTask, RuntimeDialect } from './runtime-dialect';
import { serveTask, vendorEnv } from './serving';
import { ServingBackend } from './serving-backend';
import type { Definition } from './step-requests';
import { sharedMemory, type Task } from './task';

/** Options of `Runtime.mindFormers`. */
export interface MindFormersOptions {
  /** The state of MindFormers that source tree and image hold. */
  readonly version: MindFormersVersion;

  /** The source tree of that commit: `run_mindformer.py` and the configurations are in no package. `DownloadFiles` with `ArtifactFormat.SOURCE_TREE` makes one. */
  readonly sourceTree: Artifact;

  /**
   * An image with that version's MindSpore and CANN.
   *
   * @default - the version's public image
   */
  readonly image?: string;

  /**
   * Files whose environment is sourced before the process starts, in order, e.g. CANN's `set_env.sh`.
   *
   * @default - none: the image sets its environment itself
   */
  readonly setEnvScripts?: string[];
}

const NAME = 'mindformers';

/** Seconds that ranks get after SIGTERM, and that the pod gets beyond that. */
const GRACE_SECONDS = 90;
const POD_GRACE_SECONDS = 120;

/** Host memory of a rank beside its copy of the checkpoint. */
const RANK_GIBIBYTES = 8;
/** The configurations read data with 8 workers a rank; fewer cores make MindSpore refuse to start. */
const CPUS_PER_RANK = 8;

/** MindFormers on MindSpore, for Ascend 910. */
export function mindFormers(options: MindFormersOptions): RuntimeDialect {
  const { version, sourceTree, setEnvScripts = [] } = options;
  const image = options.image ?? version.image;
  if (image === undefined) {
    throw new Error(`'image' is needed: MindFormers ${version.commit.slice(0, 7)} has no public image; it goes with MindSpore ${version.mindSpore} and CANN ${version.cann}`);
  }
  checkImage('image', image);
  sourceTree._require([ArtifactFormat.SOURCE_TREE], 'sourceTree', 'DownloadFiles with ArtifactFormat.SOURCE_TREE makes one');
  return {
    name: NAME,
    needsAccelerator: true,
    models: Object.keys(version._finetune),
    backend: ServingBackend._of(NAME),
    weightsFormat: ArtifactFormat.MINDSPORE,
    serve: (request) => serveTask({ runtime: NAME, image, setEnvScripts, minimumStartupSeconds: 900, security: SecurityLevel.VENDOR_DEFAULT }, request),
    finetune: (request) => finetune(request, { ...options, image, setEnvScripts }),
  };
}

function finetune(request: FinetuneRequest, options: MindFormersOptions & { image: string; setEnvScripts: string[] }): FinetuneTask {
  const { version, sourceTree, image, setEnvScripts } = options;
  const resolved = resolveFinetune(request, version);
  const output = request.output(ArtifactFormat.MINDSPORE_SHARDS, definition(request, resolved, options));
  const train = trainCommand(request, resolved, sourceTree, output);
  const launch = (scheduler?: string): CommandPart[] => [...vendorEnv(setEnvScripts), ...launchCommand(request, output, scheduler), '--', ...train];
  const task: Task = {
    name: 'finetune',
    runtime: NAME,
    image,
    architecture: options.image === version.image ? version.architecture : undefined,
    command: [...runTask(output, ['checkpoint/rank_*/*.ckpt']), ...launch()],
    inputs: [sourceTree, request.checkpoint, request.dataset],
    output,
    security: SecurityLevel.VENDOR_DEFAULT,
    fragment: fragment(request, setEnvScripts.length > 0),
  };
  return {
    ...task,
    output,
    ...(request.schedulerRole && { schedulerTask: schedulerTask(task, launch('only')) }),
    batchSize: resolved.batchSize,
    seqLength: resolved.seqLength,
    devicesPerReplica: resolved.modelParallel * resolved.pipelineStages,
    recompute: request.settings.recompute ?? true,
  };
}

/** What the trained checkpoints depend on. */
function definition({ model, checkpoint, checkpointFile, dataset }: FinetuneRequest, resolved: ResolvedFinetune, { version, sourceTree }: MindFormersOptions): Definition {
  return {
    runtime: NAME, commit: version.commit, configuration: resolved.configuration.file, arguments: resolved.definition, model: model.name, checkpointFile,
    inputs: [checkpoint, dataset, sourceTree].map(({ lineage }) => lineage),
  };
}

/** MindSpore's scheduler computes nothing, and writes no artifact, so it takes neither lease nor marker. */
function schedulerTask(task: Task, command: readonly CommandPart[]): Task {
  return { ...task, command, fragment: { ...task.fragment, requests: { cpu: '1', memory: '2Gi' } } };
}

function fragment({ model, devicesPerNode, rankTable }: FinetuneRequest, sourced: boolean): Omit<PodFragment, 'source'> {
  const checkpointGibibytes = Math.ceil(weightsBytes(model, Dtype.FLOAT16) / 2 ** 30);
  const shm = sharedMemory(2048 * devicesPerNode);
  const hccn = rankTable.source === 'generated' ? hostPathMounts(HCCN_PATHS) : { volumes: [], mounts: [] };
  return {
    scripts: [RUN_TASK, 'launch', ...(sourced ? ['with_vendor_env'] : [])],
    requests: { cpu: String(CPUS_PER_RANK * devicesPerNode), memory: `${String((checkpointGibibytes + RANK_GIBIBYTES) * devicesPerNode)}Gi` },
    volumes: [...shm.volumes, ...hccn.volumes, { name: 'work', emptyDir: {} }],
    mounts: [...shm.mounts, ...hccn.mounts, { name: 'work', mountPath: WORK_PATH }],
    terminationGracePeriodSeconds: POD_GRACE_SECONDS,
    env: [
      { name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
      { name: 'POD_UID', valueFrom: { fieldRef: { fieldPath: 'metadata.uid' } } },
      { name: 'XDL_IP', valueFrom: { fieldRef: { fieldPath: 'status.hostIP' } } },
    ],
  };
}

/** Where the device addresses stand on the node; Ascend Docker Runtime mounts neither (mindformers@3354237 tools/hccl_tools.py reads both). */
const HCCN_PATHS = [
  { path: '/usr/local/Ascend/driver/tools/hccn_tool', type: 'File' },
  { path: '/etc/hccn.conf', type: 'File' },
];

const WORK_PATH = '/work';

function launchCommand({ devicesPerNode, rankTable, schedulerRole }: FinetuneRequest, output: Artifact, scheduler = 'outside'): CommandPart[] {
  const rendezvous: CommandPart[] = ['--scheduler', scheduler, '--rendezvous-host', { template: '$(MS_SCHED_HOST)' }, '--rendezvous-port', { template: '$(MS_SCHED_PORT)' }];
  return [
    'python3', scriptPath('launch'), '--devices', String(devicesPerNode), '--rank-env', rankTable.source === 'none' ? 'mindspore-cluster' : 'mindspore',
    '--rank-table', rankTable.source, ...(rankTable.path === undefined ? [] : ['--rank-table-file', rankTable.path]),
    ...(schedulerRole ? rendezvous : []),
    '--work-dir', WORK_PATH, '--log-dir', `${output.path}/log`, '--grace', String(GRACE_SECONDS), '--progress', 'mindformers',
  ];
}

function trainCommand(request: FinetuneRequest, resolved: ResolvedFinetune, sourceTree: Artifact, output: Artifact): string[] {
  const { checkpoint, checkpointFile = `${resolved.configuration.name}.ckpt`, dataset, trainFile, evalFile } = request;
  return [
    'python3', `${sourceTree.path}/run_mindformer.py`, '--config', `${sourceTree.path}/${resolved.configuration.file}`,
    '--run_mode', 'finetune', '--use_parallel', 'True', '--output_dir', output.path,
    '--load_checkpoint', `${checkpoint.path}/${checkpointFile}`,
    '--train_dataset_dir', `${dataset.path}/${trainFile}`, '--eval_dataset_dir', `${dataset.path}/${evalFile}`,
    ...finetuneArguments(resolved, `${checkpoint.path}/tokenizer.model`, request.deviceMemory ?? request.accelerator.deviceMemory),
  ];
}
