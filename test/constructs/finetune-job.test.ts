import type { V1Container, V1PodSpec } from '@kubernetes/client-node';
import { ApiObject, Chart, Duration, JsonPatch, Size, Testing } from 'cdk8s';
import { Cpu, EnvValue, Secret } from 'cdk8s-plus-27';
import {
  Accelerator, Artifact, ArtifactFormat, DevicePlugin, EnvPresets, FinetuneJob, type FinetuneJobProps, GlmFamily, GlmModel, MindFormersVersion, NodeType, RankTable, Runtime,
  Scheduler, ScriptDelivery, SecurityLevel, WorkloadKind,
} from 'cdk8s-chatglm';

import type { KubernetesObject } from '../../lib/workloads/kubernetes-object';
import { reachManifest } from '../support/every-prop';
import { artifact, chartWith, everyVendor, only, STORE, synthesized } from '../support/synthesized';
import { finetune, FINETUNE } from '../support/workloads';

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
    model: {
      given: { model: CUSTOM }, props: { model: GlmModel.CHATGLM2_6B },
      lifts: '[test/finetune] MindFormers 3354237 has no fine-tune configuration for my-glm; it has chatglm3-6b, chatglm2-6b, chatglm-6b',
      reaches: { [COMMAND]: words('/artifacts/store/some-source-tree/configs/glm2/run_glm2_6b_finetune_800T_A2_64G.yaml', '/artifacts/store/some-mindspore/glm2_6b.ckpt') },
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
    nodes: {
      props: { nodes: 2 },
      reaches: {
        'Job.spec.completions': 2, 'Job.spec.completionMode': 'Indexed',
        [COMMAND]: words('--pods', '2', '--pod-index', '$(JOB_COMPLETION_INDEX)', '--nodes', '--node-index', '--meet-host', '$(FIRST_POD)', '--parallel_config.data_parallel=16'),
      },
    },
    configuration: {
      props: { configuration: 'multi-turn' },
      reaches: { [COMMAND]: words('/artifacts/store/some-source-tree/configs/glm3/run_glm3_6b_multiturn_finetune_800T_A2_64G.yaml', '--train_dataset.max_seq_length=2048') },
    },
    lora: { props: { lora: true }, reaches: { [COMMAND]: words('parallel.strategy_ckpt_config.only_trainable_params=False', expect.stringMatching(/^model\.model_config\.pet_config=\{pet_type: lora,/)) } },
    onlyStrategy: { props: { onlyStrategy: true }, reaches: { [COMMAND]: consecutive('--only_save_strategy', 'True') } },
    saveSteps: { props: { saveSteps: 200 }, reaches: { [COMMAND]: words('callbacks[CheckpointMointor].save_checkpoint_steps=200') } },
    keepCheckpoints: { props: { keepCheckpoints: 5 }, reaches: { [COMMAND]: words('callbacks[CheckpointMointor].keep_checkpoint_max=5') } },
    hostNetwork: {
      props: { hostNetwork: true },
      reaches: { [`${POD}.hostNetwork`]: true, [`${MAIN}.env[3].name`]: 'HCCL_IF_IP', [`${MAIN}.env[3].valueFrom.fieldRef.fieldPath`]: 'status.hostIP' },
    },
    debugLogs: {
      props: { debugLogs: true },
      reaches: { [`${MAIN}.env[4].name`]: 'ASCEND_GLOBAL_LOG_LEVEL', [`${MAIN}.env[5].name`]: 'ASCEND_SLOG_PRINT_TO_STDOUT', [`${MAIN}.env[6].name`]: 'GLOG_v' },
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

    expect(rings).toMatchObject({ kind: 'ConfigMap', metadata: { name: `rings-config-${job.metadata.name}` } });
    expect(rings).not.toHaveProperty('data');
    expect(job.spec).toMatchObject({ queue: 'llm', plugins: { env: [], svc: [] } });
    const [task] = (job.spec as { tasks: JobSpec[] }).tasks;
    expect(task!.template.spec.volumes).toContainEqual({ name: 'ascend-910-config', configMap: { name: `rings-config-${job.metadata.name}` } });
  });

  test.each([
    ['6.0.0', { 'hccl.json': '{"status":"initializing"}' }], ['7.0.RC1', undefined], ['26.1.0', undefined],
  ])('the ConfigMap of MindCluster %s has the data that its operator cannot do without', (version, data) => {
    const devicePlugins = [DevicePlugin.mindCluster({ version })];
    const objects = finetune({ workload: WorkloadKind.VOLCANO_JOB }, { ...everyVendor(), devicePlugins, scheduler: Scheduler.volcano() });

    expect(objects.filter(({ metadata: { name } }) => name.startsWith('rings-config-')).map((rings) => rings.data)).toEqual([data]);
  });

  test('a job that is not tried again is not moved either', () => {
    const [job] = finetune({ workload: WorkloadKind.VOLCANO_JOB, backoffLimit: 0 }, { ...everyVendor(), scheduler: Scheduler.volcano() });

    expect(job!.metadata.labels).toMatchObject({ 'fault-scheduling': 'off' });
    expect(job!.metadata.labels).not.toHaveProperty('fault-retry-times');
  });

  test('an AscendJob has a Scheduler without devices beside its Workers', () => {
    const [job] = finetune({ workload: WorkloadKind.ASCEND_JOB }, { ...everyVendor(), scheduler: Scheduler.volcano() });
    const { Scheduler: scheduler, Worker: worker } = (job!.spec as { replicaSpecs: Record<string, { replicas: number; template: { spec: V1PodSpec } }> }).replicaSpecs;

    expect(job!.spec).toMatchObject({ runPolicy: { backoffLimit: 3 } });
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
          { action: 'Ignore', onExitCodes: { operator: 'In', values: [50] } },
          { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
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
