import type { V1Container, V1PodSpec } from '@kubernetes/client-node';
import { ApiObject, Chart, Duration, JsonPatch, Size, Testing } from 'cdk8s';
import { Cpu, EnvValue, Secret } from 'cdk8s-plus-27';
import {
  Accelerator, Artifact, ArtifactFormat, DevicePlugin, EnvPresets, FinetuneJob, type FinetuneJobProps, GlmFamily, GlmModel, MindFormersVersion, NodeType, RankTable, Runtime,
  Scheduler, ScriptDelivery, SecurityLevel, WorkloadKind,
} from 'cdk8s-chatglm';

import type { KubernetesObject } from '../../lib/workloads/kubernetes-object';
import { dottedLines } from '../support/dotted-paths';
import { reachManifest } from '../support/every-prop';
import { artifact, chartWith, everyVendor, only, STORE, synthesized } from '../support/synthesized';
import { finetune, FINETUNE } from '../support/workloads';

describe('no default surprises', () => {
  test('every field of a minimal fine-tune', () => {
    expect(dottedLines(only(finetune(), 'Job'))).toEqual([
      'apiVersion: "batch/v1"',
      'kind: "Job"',
      'metadata.annotations[huawei.com/schedule_policy]: "chip8-node8"',
      'metadata.labels[app.kubernetes.io/component]: "finetune"',
      'metadata.labels[app.kubernetes.io/instance]: "test-finetune"',
      'metadata.labels[app.kubernetes.io/managed-by]: "cdk8s-chatglm"',
      'metadata.labels[app.kubernetes.io/name]: "chatglm"',
      'metadata.labels[app.kubernetes.io/part-of]: "test"',
      'metadata.labels[ring-controller.atlas]: "ascend-910b"',
      'metadata.name: "test-finetune-<digest>"',
      'metadata.namespace: "llm"',
      'spec.backoffLimit: 3',
      'spec.podFailurePolicy.rules[0].action: "FailJob"',
      'spec.podFailurePolicy.rules[0].onExitCodes.operator: "In"',
      'spec.podFailurePolicy.rules[0].onExitCodes.values: [20,21,22,23,24,25,26,27,28,29,30,31,32,33,34,35,36,37,38,39]',
      'spec.podFailurePolicy.rules[1].action: "Ignore"',
      'spec.podFailurePolicy.rules[1].onPodConditions[0].type: "DisruptionTarget"',
      'spec.template.metadata.annotations[huawei.com/schedule_policy]: "chip8-node8"',
      'spec.template.metadata.labels[app.kubernetes.io/component]: "finetune"',
      'spec.template.metadata.labels[app.kubernetes.io/instance]: "test-finetune"',
      'spec.template.metadata.labels[app.kubernetes.io/managed-by]: "cdk8s-chatglm"',
      'spec.template.metadata.labels[app.kubernetes.io/name]: "chatglm"',
      'spec.template.metadata.labels[app.kubernetes.io/part-of]: "test"',
      'spec.template.metadata.labels[ring-controller.atlas]: "ascend-910b"',
      'spec.template.spec.automountServiceAccountToken: false',
      'spec.template.spec.containers[0].command: ["python3","/opt/cdk8s-chatglm/run_task.py","--output","/artifacts/store/finetune-<digest>","--name","finetune","--lineage","<digest>","--format","mindspore-shards","--require","checkpoint/rank_*/*.ckpt","--","python3","/opt/cdk8s-chatglm/launch.py","--devices","8","--rank-env","mindspore","--rank-table","generated","--work-dir","/work","--log-dir","/artifacts/store/finetune-<digest>/log","--grace","90","--progress","mindformers","--","python3","/artifacts/store/some-source-tree/run_mindformer.py","--config","/artifacts/store/some-source-tree/configs/glm3/run_glm3_6b_finetune_800T_A2_64G.yaml","--run_mode","finetune","--use_parallel","True","--output_dir","/artifacts/store/finetune-<digest>","--load_checkpoint","/artifacts/store/some-mindspore/glm3_6b.ckpt","--train_dataset_dir","/artifacts/store/some-dataset/train.json","--eval_dataset_dir","/artifacts/store/some-dataset/dev.json","--epochs","1","--batch_size","4","--context.max_device_memory=59GB","--train_dataset.tokenizer.vocab_file=/artifacts/store/some-mindspore/tokenizer.model","--eval_dataset.tokenizer.vocab_file=/artifacts/store/some-mindspore/tokenizer.model","--model.model_config.seq_length=192","--train_dataset.max_source_length=64","--train_dataset.max_target_length=127","--parallel_config.data_parallel=8","--parallel_config.model_parallel=1","--parallel_config.pipeline_stage=1"]',
      'spec.template.spec.containers[0].env[0].name: "POD_IP"',
      'spec.template.spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: "status.podIP"',
      'spec.template.spec.containers[0].env[1].name: "POD_UID"',
      'spec.template.spec.containers[0].env[1].valueFrom.fieldRef.fieldPath: "metadata.uid"',
      'spec.template.spec.containers[0].env[2].name: "XDL_IP"',
      'spec.template.spec.containers[0].env[2].valueFrom.fieldRef.fieldPath: "status.hostIP"',
      'spec.template.spec.containers[0].image: "swr.cn-central-221.ovaijisuan.com/mindformers/mindformers1.0_mindspore2.2.11:aarch_20240125"',
      'spec.template.spec.containers[0].imagePullPolicy: "IfNotPresent"',
      'spec.template.spec.containers[0].name: "finetune"',
      'spec.template.spec.containers[0].resources.limits[huawei.com/Ascend910]: 8',
      'spec.template.spec.containers[0].resources.requests.cpu: "64"',
      'spec.template.spec.containers[0].resources.requests.memory: "160Gi"',
      'spec.template.spec.containers[0].resources.requests[huawei.com/Ascend910]: 8',
      'spec.template.spec.containers[0].terminationMessagePolicy: "FallbackToLogsOnError"',
      'spec.template.spec.containers[0].volumeMounts[0].mountPath: "/dev/shm"',
      'spec.template.spec.containers[0].volumeMounts[0].name: "dshm"',
      'spec.template.spec.containers[0].volumeMounts[1].mountPath: "/usr/local/Ascend/driver/tools/hccn_tool"',
      'spec.template.spec.containers[0].volumeMounts[1].name: "host-usr-local-ascend-driver-tools-hccn-tool"',
      'spec.template.spec.containers[0].volumeMounts[1].readOnly: true',
      'spec.template.spec.containers[0].volumeMounts[2].mountPath: "/etc/hccn.conf"',
      'spec.template.spec.containers[0].volumeMounts[2].name: "host-etc-hccn-conf"',
      'spec.template.spec.containers[0].volumeMounts[2].readOnly: true',
      'spec.template.spec.containers[0].volumeMounts[3].mountPath: "/work"',
      'spec.template.spec.containers[0].volumeMounts[3].name: "work"',
      'spec.template.spec.containers[0].volumeMounts[4].mountPath: "/artifacts/store"',
      'spec.template.spec.containers[0].volumeMounts[4].name: "store-store"',
      'spec.template.spec.containers[0].volumeMounts[5].mountPath: "/opt/cdk8s-chatglm"',
      'spec.template.spec.containers[0].volumeMounts[5].name: "scripts"',
      'spec.template.spec.containers[0].volumeMounts[5].readOnly: true',
      'spec.template.spec.enableServiceLinks: false',
      'spec.template.spec.initContainers[0].command: ["sh","-ec","for source in /scripts-source/*/*; do file=/opt/cdk8s-chatglm/$(printf %s \\"${source##*/}\\" | tr - /); mkdir -p \\"${file%/*}\\"; cp -L \\"$source\\" \\"$file\\"; done"]',
      'spec.template.spec.initContainers[0].image: "swr.cn-central-221.ovaijisuan.com/mindformers/mindformers1.0_mindspore2.2.11:aarch_20240125"',
      'spec.template.spec.initContainers[0].imagePullPolicy: "IfNotPresent"',
      'spec.template.spec.initContainers[0].name: "copy-scripts"',
      'spec.template.spec.initContainers[0].resources.limits.memory: "128Mi"',
      'spec.template.spec.initContainers[0].resources.requests.cpu: "50m"',
      'spec.template.spec.initContainers[0].resources.requests.memory: "32Mi"',
      'spec.template.spec.initContainers[0].securityContext.allowPrivilegeEscalation: false',
      'spec.template.spec.initContainers[0].securityContext.capabilities.drop: ["ALL"]',
      'spec.template.spec.initContainers[0].securityContext.readOnlyRootFilesystem: true',
      'spec.template.spec.initContainers[0].securityContext.seccompProfile.type: "RuntimeDefault"',
      'spec.template.spec.initContainers[0].volumeMounts[0].mountPath: "/scripts-source/scripts-launch"',
      'spec.template.spec.initContainers[0].volumeMounts[0].name: "scripts-launch"',
      'spec.template.spec.initContainers[0].volumeMounts[0].readOnly: true',
      'spec.template.spec.initContainers[0].volumeMounts[1].mountPath: "/scripts-source/scripts-run-task"',
      'spec.template.spec.initContainers[0].volumeMounts[1].name: "scripts-run-task"',
      'spec.template.spec.initContainers[0].volumeMounts[1].readOnly: true',
      'spec.template.spec.initContainers[0].volumeMounts[2].mountPath: "/opt/cdk8s-chatglm"',
      'spec.template.spec.initContainers[0].volumeMounts[2].name: "scripts"',
      'spec.template.spec.nodeSelector.accelerator: "huawei-Ascend910"',
      'spec.template.spec.nodeSelector[accelerator-type]: "module-910b-8"',
      'spec.template.spec.nodeSelector[kubernetes.io/arch]: "arm64"',
      'spec.template.spec.restartPolicy: "Never"',
      'spec.template.spec.securityContext.seccompProfile.type: "RuntimeDefault"',
      'spec.template.spec.terminationGracePeriodSeconds: 120',
      'spec.template.spec.volumes[0].emptyDir.medium: "Memory"',
      'spec.template.spec.volumes[0].emptyDir.sizeLimit: "16384Mi"',
      'spec.template.spec.volumes[0].name: "dshm"',
      'spec.template.spec.volumes[1].hostPath.path: "/usr/local/Ascend/driver/tools/hccn_tool"',
      'spec.template.spec.volumes[1].hostPath.type: "File"',
      'spec.template.spec.volumes[1].name: "host-usr-local-ascend-driver-tools-hccn-tool"',
      'spec.template.spec.volumes[2].hostPath.path: "/etc/hccn.conf"',
      'spec.template.spec.volumes[2].hostPath.type: "File"',
      'spec.template.spec.volumes[2].name: "host-etc-hccn-conf"',
      'spec.template.spec.volumes[3].emptyDir: {}',
      'spec.template.spec.volumes[3].name: "work"',
      'spec.template.spec.volumes[4].name: "store-store"',
      'spec.template.spec.volumes[4].persistentVolumeClaim.claimName: "claim"',
      'spec.template.spec.volumes[5].configMap.name: "test-scripts-launch"',
      'spec.template.spec.volumes[5].name: "scripts-launch"',
      'spec.template.spec.volumes[6].configMap.name: "test-scripts-run-task"',
      'spec.template.spec.volumes[6].name: "scripts-run-task"',
      'spec.template.spec.volumes[7].emptyDir: {}',
      'spec.template.spec.volumes[7].name: "scripts"',
    ]);
  });

  test('beside it there are only the ConfigMaps of its scripts', () => {
    expect(finetune().map(({ kind, metadata }) => `${kind}/${metadata.name}`)).toEqual([
      expect.stringMatching(/^Job\/test-finetune-[0-9a-f]{8}$/), 'ConfigMap/test-scripts-launch', 'ConfigMap/test-scripts-run-task',
    ]);
  });
});

const POD = 'Job.spec.template.spec';
const MAIN = `${POD}.containers[0]`;
const COMMAND = `${MAIN}.command`;

/** The workload of one fine-tune by its kind, whatever it is. */
function byKind(props: Partial<FinetuneJobProps>): Record<string, KubernetesObject> {
  const platform = props.workload?.name === 'VolcanoJob' ? { ...everyVendor(), scheduler: Scheduler.volcano() } : everyVendor();
  const [workload] = finetune(props, platform);
  return { [workload!.apiVersion.startsWith('batch.volcano') ? 'VolcanoJob' : workload!.kind]: workload! };
}

const words = (...expected: unknown[]): unknown => expect.arrayContaining(expected);
/** Matches a command in which the words stand side by side. */
const consecutive = (...expected: string[]): unknown => ({
  asymmetricMatch: (command: unknown) => Array.isArray(command) && ` ${command.join(' ')} `.includes(` ${expected.join(' ')} `),
});
const TOO_LARGE = '[test/finetune] chatglm3-6b needs 71.3 GiB on each of 1 devices to fine-tune in float16 with 4 x 192 tokens, and Ascend910B3 has 64.0 GiB: '
  + '7.3 GiB too little; splitting the model over 2 times as many devices would fit, or set \'skipMemoryCheck\'';
const CUSTOM = GlmModel.custom({
  name: 'my-glm', family: GlmFamily.CHATGLM3, shape: FINETUNE.model.shape, weightsBytes: 12e9, maxSequenceLength: 8192, license: 'mine',
});
const MINE = Runtime.mindFormers({
  version: MindFormersVersion.COMMIT_3354237, sourceTree: artifact(ArtifactFormat.SOURCE_TREE), image: 'registry.corp.example/mindformers:1.0',
  setEnvScripts: ['/usr/local/Ascend/ascend-toolkit/set_env.sh'],
});

describe('every prop reaches the manifest', () => {
  reachManifest<FinetuneJobProps>({
    // Only one model has a configuration, so another one is refused.
    model: {
      given: { model: CUSTOM }, props: { model: FINETUNE.model },
      lifts: '[test/finetune] runtime \'mindformers\' does not support my-glm; it supports chatglm3-6b',
      reaches: { [COMMAND]: words('/artifacts/store/some-source-tree/configs/glm3/run_glm3_6b_finetune_800T_A2_64G.yaml') },
    },
    runtime: {
      props: { runtime: MINE },
      reaches: {
        [`${MAIN}.image`]: 'registry.corp.example/mindformers:1.0',
        [COMMAND]: words('bash', '/opt/cdk8s-chatglm/with_vendor_env.sh', '--source', '/usr/local/Ascend/ascend-toolkit/set_env.sh'),
        [`${POD}.nodeSelector[kubernetes.io/arch]`]: undefined,
      },
    },
    checkpoint: {
      props: { checkpoint: artifact(ArtifactFormat.MINDSPORE, 'glm3') },
      reaches: { [COMMAND]: words('--load_checkpoint', '/artifacts/store/glm3/glm3_6b.ckpt', '--train_dataset.tokenizer.vocab_file=/artifacts/store/glm3/tokenizer.model') },
    },
    dataset: {
      props: { dataset: artifact(ArtifactFormat.DATASET, 'adgen') },
      reaches: { [COMMAND]: words('/artifacts/store/adgen/train.json', '/artifacts/store/adgen/dev.json') },
    },
    accelerator: {
      given: { accelerator: Accelerator.ASCEND_910A, skipMemoryCheck: true }, props: { accelerator: FINETUNE.accelerator },
      lifts: '[test/finetune] configs/glm3/run_glm3_6b_finetune_800T_A2_64G.yaml of MindFormers 3354237 is written for 910B, not for Ascend910A',
      reaches: { [`${POD}.nodeSelector[accelerator-type]`]: 'module-910b-8' },
    },
    devicesPerNode: {
      props: { devicesPerNode: 4 },
      reaches: {
        [`${MAIN}.resources.limits[huawei.com/Ascend910]`]: 4, [`${MAIN}.resources.requests.cpu`]: '32', [`${MAIN}.resources.requests.memory`]: '80Gi',
        [COMMAND]: words('--devices', '4', '--parallel_config.data_parallel=4'), [`${POD}.volumes[0].emptyDir.sizeLimit`]: '8192Mi',
      },
    },
    store: {
      props: { store: { ...STORE, storeName: 'results', volumeSource: { persistentVolumeClaim: { claimName: 'results' } } } },
      reaches: { [COMMAND]: words(expect.stringMatching(/^\/artifacts\/results\/finetune-[0-9a-f]{10}$/)), [`${POD}.volumes[5].persistentVolumeClaim.claimName`]: 'results' },
    },
    checkpointFile: { props: { checkpointFile: 'mine.ckpt' }, reaches: { [COMMAND]: words('/artifacts/store/some-mindspore/mine.ckpt') } },
    trainFile: { props: { trainFile: 'a/train.json' }, reaches: { [COMMAND]: words('--train_dataset_dir', '/artifacts/store/some-dataset/a/train.json') } },
    evalFile: { props: { evalFile: 'eval.json' }, reaches: { [COMMAND]: words('--eval_dataset_dir', '/artifacts/store/some-dataset/eval.json') } },
    epochs: { props: { epochs: 3 }, reaches: { [COMMAND]: consecutive('--epochs', '3') } },
    batchSize: { props: { batchSize: 8 }, reaches: { [COMMAND]: consecutive('--batch_size', '8') } },
    learningRate: { props: { learningRate: 5e-5 }, reaches: { [COMMAND]: words('--lr_schedule.learning_rate=0.00005') } },
    seqLength: {
      given: { maxSourceLength: 128, seqLength: 192 }, props: { seqLength: 256 },
      lifts: '[test/finetune] \'seqLength\' must be \'maxSourceLength\' + \'maxTargetLength\' + 1 = 256, got 192',
      reaches: { [COMMAND]: words('--model.model_config.seq_length=256') },
    },
    maxSourceLength: { props: { maxSourceLength: 128 }, reaches: { [COMMAND]: words('--train_dataset.max_source_length=128', '--model.model_config.seq_length=256') } },
    maxTargetLength: { props: { maxTargetLength: 63 }, reaches: { [COMMAND]: words('--train_dataset.max_target_length=63', '--model.model_config.seq_length=128') } },
    dataParallel: {
      given: { modelParallel: 2, dataParallel: 8 }, props: { dataParallel: 4 },
      lifts: '[test/finetune] \'dataParallel\' * \'modelParallel\' * \'pipelineStages\' must be 8, the devices of the job, got 8 * 2 * 1 = 16',
      reaches: { [COMMAND]: words('--parallel_config.data_parallel=4') },
    },
    modelParallel: { props: { modelParallel: 2 }, reaches: { [COMMAND]: words('--parallel_config.model_parallel=2', '--parallel_config.data_parallel=4') } },
    pipelineStages: { props: { pipelineStages: 2 }, reaches: { [COMMAND]: words('--parallel_config.pipeline_stage=2', '--parallel_config.data_parallel=4') } },
    recompute: { props: { recompute: false }, reaches: { [COMMAND]: words('--recompute_config.recompute=False') } },
    flashAttention: { props: { flashAttention: true }, reaches: { [COMMAND]: words('--model.model_config.use_flash_attention=True') } },
    settings: {
      props: { settings: { 'runner_config.sink_size': '$(HOME)', 'lr_schedule.warmup_steps': '10' } },
      reaches: { [COMMAND]: words('--runner_config.sink_size=$$(HOME)', '--lr_schedule.warmup_steps=10') },
    },
    workload: {
      props: { workload: WorkloadKind.VOLCANO_JOB },
      reaches: { 'VolcanoJob.spec.minAvailable': 1, 'VolcanoJob.spec.tasks[0].template.spec.schedulerName': 'volcano', 'VolcanoJob.spec.queue': 'default' },
    },
    rankTable: {
      props: { rankTable: RankTable.fromFile('/user/config/jobstart_hccl.json') },
      reaches: { [COMMAND]: words('--rank-table', 'file', '--rank-table-file', '/user/config/jobstart_hccl.json') },
    },
    backoffLimit: { props: { backoffLimit: 0 }, reaches: { 'Job.spec.backoffLimit': 0 } },
    deadline: { props: { deadline: Duration.hours(12) }, reaches: { 'Job.spec.activeDeadlineSeconds': 43200 } },
    ttlAfterFinished: { props: { ttlAfterFinished: Duration.days(1) }, reaches: { 'Job.spec.ttlSecondsAfterFinished': 86400 } },
    presets: {
      props: { presets: [EnvPresets.HCCL, EnvPresets.MINDSPORE_TRAINING] },
      reaches: { [`${MAIN}.env[3].name`]: 'HCCL_CONNECT_TIMEOUT', [`${MAIN}.env[6].name`]: 'MS_ASCEND_CHECK_OVERFLOW_MODE', [`${MAIN}.env[6].value`]: 'INFNAN_MODE' },
    },
    env: { props: { env: { GLOG_v: EnvValue.fromValue('2') } }, reaches: { [`${MAIN}.env[3].name`]: 'GLOG_v', [`${MAIN}.env[3].value`]: '2' } },
    cpu: { props: { cpu: Cpu.units(96) }, reaches: { [`${MAIN}.resources.requests.cpu`]: '96' } },
    memory: { props: { memory: Size.gibibytes(512) }, reaches: { [`${MAIN}.resources.requests.memory`]: '524288Mi' } },
    nodeSelector: { props: { nodeSelector: { 'accelerator-type': 'mine' } }, reaches: { [`${POD}.nodeSelector[accelerator-type]`]: 'mine' } },
    tolerations: { props: { tolerations: [{ key: 'npu' }] }, reaches: { [`${POD}.tolerations[0].key`]: 'npu', [`${POD}.tolerations[0].operator`]: 'Exists' } },
    priorityClassName: { props: { priorityClassName: 'training' }, reaches: { [`${POD}.priorityClassName`]: 'training' } },
    serviceAccountName: { props: { serviceAccountName: 'trainer' }, reaches: { [`${POD}.serviceAccountName`]: 'trainer' } },
    podLabels: { props: { podLabels: { team: 'ml' } }, reaches: { 'Job.spec.template.metadata.labels.team': 'ml' } },
    podAnnotations: { props: { podAnnotations: { note: 'mine' } }, reaches: { 'Job.spec.template.metadata.annotations.note': 'mine' } },
    security: { props: { security: SecurityLevel.NON_ROOT }, reaches: { [`${POD}.securityContext.runAsNonRoot`]: true, [`${MAIN}.securityContext.allowPrivilegeEscalation`]: false } },
    nodeType: { props: { nodeType: NodeType.ATLAS_200T_A2_BOX16 }, reaches: { [`${POD}.nodeSelector[accelerator-type]`]: 'module-910b-16' } },
    devicePlugin: { props: { devicePlugin: DevicePlugin.cce() }, reaches: { [`${MAIN}.resources.limits[huawei.com/ascend-1980]`]: 8 } },
    deviceMemory: {
      given: { devicesPerNode: 1 }, props: { deviceMemory: Size.gibibytes(96) },
      lifts: TOO_LARGE, reaches: { [`${MAIN}.resources.limits[huawei.com/Ascend910]`]: 1 },
    },
    skipMemoryCheck: {
      given: { devicesPerNode: 1 }, props: { skipMemoryCheck: true },
      lifts: TOO_LARGE, reaches: { [`${MAIN}.resources.limits[huawei.com/Ascend910]`]: 1 },
    },
  }, byKind);
});

interface JobSpec { readonly template: { readonly metadata: { readonly labels: Record<string, string> }; readonly spec: V1PodSpec } }

const podOf = (objects: readonly KubernetesObject[]): V1PodSpec => (only(objects, 'Job').spec as JobSpec).template.spec;
const existing = (format: ArtifactFormat, directory: string): Artifact => Artifact.existing({ store: STORE, directory, format, marked: true });

describe('the pod', () => {
  test('scripts come first, then one wait for all inputs', () => {
    const pod = podOf(finetune({ checkpoint: existing(ArtifactFormat.MINDSPORE, 'glm3'), dataset: existing(ArtifactFormat.DATASET, 'adgen') }));

    expect(pod.initContainers!.map(({ name }) => name)).toEqual(['copy-scripts', 'wait-for-artifacts']);
    expect(container(pod, 'wait-for-artifacts').command).toEqual([
      'python3', '/opt/cdk8s-chatglm/wait_for_artifacts.py', '--artifact', '/artifacts/store/glm3', '--artifact', '/artifacts/store/adgen', '--timeout', '3600',
    ]);
  });

  test('inputs on a store of their own are read-only, the output\'s store is not', () => {
    const inputs = { ...STORE, storeName: 'inputs', volumeSource: { persistentVolumeClaim: { claimName: 'inputs' } } };
    const pod = podOf(finetune({ dataset: Artifact.existing({ store: inputs, directory: 'adgen', format: ArtifactFormat.DATASET }) }));
    const mounts = pod.containers[0]!.volumeMounts!.filter(({ name }) => name.startsWith('store-'));

    expect(mounts).toEqual([
      { name: 'store-store', mountPath: '/artifacts/store' }, { name: 'store-inputs', mountPath: '/artifacts/inputs', readOnly: true },
    ]);
  });

  test('an operator\'s rank table is mounted, and the ConfigMap that it fills is there', () => {
    const objects = finetune({ workload: WorkloadKind.VOLCANO_JOB }, { ...everyVendor(), scheduler: Scheduler.volcano({ queue: 'llm' }) });
    const [job, rings] = objects as [KubernetesObject, KubernetesObject];

    expect(rings).toMatchObject({ kind: 'ConfigMap', metadata: { name: `rings-config-${job.metadata.name}` }, data: { 'hccl.json': '{"status":"initializing"}' } });
    expect(job.spec).toMatchObject({ queue: 'llm', plugins: { env: [], svc: [] } });
    const [task] = (job.spec as { tasks: JobSpec[] }).tasks;
    expect(task!.template.spec.volumes).toContainEqual({ name: 'ascend-910-config', configMap: { name: `rings-config-${job.metadata.name}` } });
  });

  test('an AscendJob has a Scheduler without devices beside its Workers', () => {
    const [job] = finetune({ workload: WorkloadKind.ASCEND_JOB }, { ...everyVendor(), scheduler: Scheduler.volcano() });
    const { Scheduler: scheduler, Worker: worker } = (job!.spec as { replicaSpecs: Record<string, { replicas: number; template: { spec: V1PodSpec } }> }).replicaSpecs;

    expect([scheduler!.replicas, worker!.replicas]).toEqual([1, 1]);
    expect(scheduler!.template.spec.containers[0]!.resources).toEqual({ requests: { cpu: '1', memory: '2Gi' } });
    expect(worker!.template.spec.containers[0]!.resources!.limits).toEqual({ 'huawei.com/Ascend910': 8 });
    expect([scheduler, worker].map((role) => role!.template.spec.containers[0]!.name)).toEqual(['ascend', 'ascend']);
  });

  test('an Indexed Job has a headless Service of its name', () => {
    const objects = finetune({ workload: WorkloadKind.INDEXED_JOB });
    const { name } = only(objects, 'Job').metadata;

    expect(podOf(objects).subdomain).toBe(name);
    expect(only(objects, 'Service')).toMatchObject({
      metadata: { name }, spec: { clusterIP: 'None', publishNotReadyAddresses: true, selector: { 'batch.kubernetes.io/job-name': name } },
    });
  });

  test('faults that no retry can mend end the job, evictions do not count', () => {
    expect(only(finetune(), 'Job').spec).toMatchObject({
      podFailurePolicy: {
        rules: [
          { action: 'FailJob', onExitCodes: { operator: 'In', values: Array.from({ length: 20 }, (_, index) => 20 + index) } },
          { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] },
        ],
      },
    });
  });

  test('secrets are read from a Secret', () => {
    const secret = Secret.fromSecretName(new Chart(Testing.app(), 'secrets'), 'wandb', 'wandb');

    expect(podOf(finetune({ env: { WANDB_API_KEY: secret.envValue('key') } })).containers[0]!.env).toContainEqual({
      name: 'WANDB_API_KEY', valueFrom: { secretKeyRef: { name: 'wandb', key: 'key' } },
    });
  });

  test('every image is pulled from the mirror, with the pull secrets', () => {
    const secrets = new Chart(Testing.app(), 'secrets');
    const pod = podOf(finetune({}, {
      ...everyVendor(), imageRegistry: 'harbor.corp.example/mirror', imagePullSecrets: [Secret.fromSecretName(secrets, 'pull', 'harbor')],
    }));

    expect([...pod.initContainers!, ...pod.containers].map(({ image }) => image)).toEqual(
      Array(2).fill('harbor.corp.example/mirror/mindformers/mindformers1.0_mindspore2.2.11:aarch_20240125'),
    );
    expect(pod.imagePullSecrets).toEqual([{ name: 'harbor' }]);
  });

  test('scripts can come in an image: no ConfigMap is rendered', () => {
    const objects = finetune({}, { ...everyVendor(), scriptDelivery: ScriptDelivery.image('registry.corp.example/scripts:1.0') });

    expect(objects.map(({ kind }) => kind)).toEqual(['Job']);
    expect(container(podOf(objects), 'copy-scripts')).toMatchObject({ image: 'registry.corp.example/scripts:1.0', command: ['cp', '-r', '/container/.', '/opt/cdk8s-chatglm'] });
  });
});

describe('labels, the way out and the artifact', () => {
  test('labels of the chart reach the job and its pods', () => {
    const chart = new Chart(Testing.app(), 'test', { labels: { team: 'ml' } });
    new FinetuneJob(chart, 'finetune', { ...FINETUNE, devicePlugin: DevicePlugin.cce() });
    const job = only(synthesized(chart), 'Job');

    expect([job.metadata.labels?.team, (job.spec as JobSpec).template.metadata.labels.team]).toEqual(['ml', 'ml']);
  });

  test('a JSON patch changes a device count', () => {
    const chart = chartWith();
    const job = new FinetuneJob(chart, 'finetune', FINETUNE);

    ApiObject.of(job).addJsonPatch(JsonPatch.replace('/spec/template/spec/containers/0/resources/limits/huawei.com~1Ascend910', 16));

    expect(podOf(synthesized(chart)).containers[0]!.resources!.limits).toEqual({ 'huawei.com/Ascend910': 16 });
  });

  test('what it makes are the shards of all ranks, at the path that it writes to', () => {
    const chart = chartWith();
    const { artifact: made } = new FinetuneJob(chart, 'finetune', FINETUNE);

    expect([made.name, made.format.name, made.marked, made.store]).toEqual(['finetune', 'mindspore-shards', true, STORE]);
    expect(podOf(synthesized(chart)).containers[0]!.command).toEqual(expect.arrayContaining(['--output', made.path, '--lineage', made.lineage]));
  });
});

/** The container of a pod with the name. */
function container(pod: V1PodSpec, name: string): V1Container {
  return [...pod.initContainers ?? [], ...pod.containers].find((candidate) => candidate.name === name)!;
}
