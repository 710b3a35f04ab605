import type { V1PodSpec } from '@kubernetes/client-node';
import { ApiObject, Chart, Duration, JsonPatch, Size, Testing } from 'cdk8s';
import { Cpu, EnvValue, Secret } from 'cdk8s-plus-27';
import {
  ArtifactFormat, DownloadWeights, type DownloadWeightsProps, EnvPreset, GlmModel, type PlatformProps, SecurityLevel, WeightSource,
} from 'cdk8s-chatglm';

import type { KubernetesObject } from '../../lib/workloads/kubernetes-object';
import { dottedLines } from '../support/dotted-paths';
import { reachManifest } from '../support/every-prop';
import { chartWith, only, STORE, synthesized } from '../support/synthesized';

const MODEL = GlmModel.CHATGLM3_6B;
const WEIGHTS: DownloadWeightsProps = { store: STORE, model: MODEL, source: WeightSource.huggingFace(MODEL, { revision: 'v1.0' }) };

function download(props: Partial<DownloadWeightsProps> = {}, platform: PlatformProps = {}): KubernetesObject[] {
  const chart = chartWith(platform);
  new DownloadWeights(chart, 'weights', { ...WEIGHTS, ...props });
  return synthesized(chart);
}

describe('no default surprises', () => {
  test('every field of a minimal download', () => {
    expect(dottedLines(only(download(), 'Job'))).toEqual([
      'apiVersion: "batch/v1"',
      'kind: "Job"',
      'metadata.labels[app.kubernetes.io/component]: "download"',
      'metadata.labels[app.kubernetes.io/instance]: "test-weights"',
      'metadata.labels[app.kubernetes.io/managed-by]: "cdk8s-chatglm"',
      'metadata.labels[app.kubernetes.io/name]: "chatglm"',
      'metadata.labels[app.kubernetes.io/part-of]: "test"',
      'metadata.name: "test-weights-<digest>"',
      'metadata.namespace: "llm"',
      'spec.backoffLimit: 10',
      'spec.podFailurePolicy.rules[0].action: "FailJob"',
      'spec.podFailurePolicy.rules[0].onExitCodes.operator: "In"',
      'spec.podFailurePolicy.rules[0].onExitCodes.values: [20,21,22,23,24,25,26,27,28,29,30,31,32,33,34,35,36,37,38,39]',
      'spec.podFailurePolicy.rules[1].action: "Ignore"',
      'spec.podFailurePolicy.rules[1].onExitCodes.operator: "In"',
      'spec.podFailurePolicy.rules[1].onExitCodes.values: [50]',
      'spec.podFailurePolicy.rules[2].action: "Ignore"',
      'spec.podFailurePolicy.rules[2].onPodConditions[0].status: "True"',
      'spec.podFailurePolicy.rules[2].onPodConditions[0].type: "DisruptionTarget"',
      'spec.template.metadata.labels[app.kubernetes.io/component]: "download"',
      'spec.template.metadata.labels[app.kubernetes.io/instance]: "test-weights"',
      'spec.template.metadata.labels[app.kubernetes.io/managed-by]: "cdk8s-chatglm"',
      'spec.template.metadata.labels[app.kubernetes.io/name]: "chatglm"',
      'spec.template.metadata.labels[app.kubernetes.io/part-of]: "test"',
      'spec.template.spec.automountServiceAccountToken: false',
      'spec.template.spec.containers[0].command: ["python3","/opt/cdk8s-chatglm/fetch_weights.py","--target","/artifacts/store/chatglm3-6b-<digest>","--name","chatglm3-6b","--lineage","<digest>","--format","huggingface","--source","{\\"kind\\":\\"huggingface\\",\\"repository\\":\\"THUDM/chatglm3-6b\\",\\"revision\\":\\"v1.0\\",\\"endpoint\\":\\"https://huggingface.co\\"}","--include","*.json","--include","*.py","--include","tokenizer.model","--include","*.safetensors","--require","config.json","--require","tokenizer.model","--require","*.safetensors","--deadline","7173"]',
      'spec.template.spec.containers[0].env[0].name: "HOME"',
      'spec.template.spec.containers[0].env[0].value: "/home/chatglm"',
      'spec.template.spec.containers[0].env[1].name: "USER"',
      'spec.template.spec.containers[0].env[1].value: "chatglm"',
      'spec.template.spec.containers[0].env[2].name: "LOGNAME"',
      'spec.template.spec.containers[0].env[2].value: "chatglm"',
      'spec.template.spec.containers[0].image: "docker.io/library/python:3.12.7-slim-bookworm"',
      'spec.template.spec.containers[0].imagePullPolicy: "IfNotPresent"',
      'spec.template.spec.containers[0].name: "download"',
      'spec.template.spec.containers[0].resources.limits.memory: "1Gi"',
      'spec.template.spec.containers[0].resources.requests.cpu: "1"',
      'spec.template.spec.containers[0].resources.requests.memory: "256Mi"',
      'spec.template.spec.containers[0].securityContext.allowPrivilegeEscalation: false',
      'spec.template.spec.containers[0].securityContext.capabilities.drop: ["ALL"]',
      'spec.template.spec.containers[0].securityContext.readOnlyRootFilesystem: true',
      'spec.template.spec.containers[0].terminationMessagePolicy: "FallbackToLogsOnError"',
      'spec.template.spec.containers[0].volumeMounts[0].mountPath: "/artifacts/store"',
      'spec.template.spec.containers[0].volumeMounts[0].name: "store-store"',
      'spec.template.spec.containers[0].volumeMounts[1].mountPath: "/home/chatglm"',
      'spec.template.spec.containers[0].volumeMounts[1].name: "home"',
      'spec.template.spec.containers[0].volumeMounts[2].mountPath: "/tmp"',
      'spec.template.spec.containers[0].volumeMounts[2].name: "tmp"',
      'spec.template.spec.containers[0].volumeMounts[3].mountPath: "/opt/cdk8s-chatglm"',
      'spec.template.spec.containers[0].volumeMounts[3].name: "scripts"',
      'spec.template.spec.containers[0].volumeMounts[3].readOnly: true',
      'spec.template.spec.enableServiceLinks: false',
      'spec.template.spec.initContainers[0].command: ["sh","-ec","for source in /scripts-source/*/*; do file=/opt/cdk8s-chatglm/$(printf %s \\"${source##*/}\\" | tr - /); mkdir -p \\"${file%/*}\\"; cp -L \\"$source\\" \\"$file\\"; done"]',
      'spec.template.spec.initContainers[0].image: "docker.io/library/python:3.12.7-slim-bookworm"',
      'spec.template.spec.initContainers[0].imagePullPolicy: "IfNotPresent"',
      'spec.template.spec.initContainers[0].name: "copy-scripts"',
      'spec.template.spec.initContainers[0].resources.limits.memory: "128Mi"',
      'spec.template.spec.initContainers[0].resources.requests.cpu: "50m"',
      'spec.template.spec.initContainers[0].resources.requests.memory: "32Mi"',
      'spec.template.spec.initContainers[0].securityContext.allowPrivilegeEscalation: false',
      'spec.template.spec.initContainers[0].securityContext.capabilities.drop: ["ALL"]',
      'spec.template.spec.initContainers[0].securityContext.readOnlyRootFilesystem: true',
      'spec.template.spec.initContainers[0].securityContext.seccompProfile.type: "RuntimeDefault"',
      'spec.template.spec.initContainers[0].volumeMounts[0].mountPath: "/scripts-source/scripts-fetch-weights"',
      'spec.template.spec.initContainers[0].volumeMounts[0].name: "scripts-fetch-weights"',
      'spec.template.spec.initContainers[0].volumeMounts[0].readOnly: true',
      'spec.template.spec.initContainers[0].volumeMounts[1].mountPath: "/opt/cdk8s-chatglm"',
      'spec.template.spec.initContainers[0].volumeMounts[1].name: "scripts"',
      'spec.template.spec.restartPolicy: "Never"',
      'spec.template.spec.securityContext.fsGroup: 1000',
      'spec.template.spec.securityContext.fsGroupChangePolicy: "OnRootMismatch"',
      'spec.template.spec.securityContext.runAsGroup: 1000',
      'spec.template.spec.securityContext.runAsNonRoot: true',
      'spec.template.spec.securityContext.runAsUser: 1000',
      'spec.template.spec.securityContext.seccompProfile.type: "RuntimeDefault"',
      'spec.template.spec.volumes[0].name: "store-store"',
      'spec.template.spec.volumes[0].persistentVolumeClaim.claimName: "claim"',
      'spec.template.spec.volumes[1].emptyDir: {}',
      'spec.template.spec.volumes[1].name: "home"',
      'spec.template.spec.volumes[2].emptyDir: {}',
      'spec.template.spec.volumes[2].name: "tmp"',
      'spec.template.spec.volumes[3].configMap.name: "test-scripts-fetch-weights"',
      'spec.template.spec.volumes[3].name: "scripts-fetch-weights"',
      'spec.template.spec.volumes[4].emptyDir: {}',
      'spec.template.spec.volumes[4].name: "scripts"',
    ]);
  });

  test('beside it there is only the ConfigMap of its script', () => {
    expect(download().map(({ kind, metadata }) => `${kind}/${metadata.name}`)).toEqual([
      expect.stringMatching(/^Job\/test-weights-[0-9a-f]{8}$/), 'ConfigMap/test-scripts-fetch-weights',
    ]);
  });
});

const POD = 'spec.template.spec';
const MAIN = `${POD}.containers[0]`;
const words = (...expected: unknown[]): unknown => expect.arrayContaining(expected);

describe('every prop reaches the manifest', () => {
  reachManifest<DownloadWeightsProps>({
    store: {
      props: { store: { ...STORE, storeName: 'other', volumeSource: { nfs: { server: 'nas', path: '/llm' } } } },
      reaches: { [`${POD}.volumes[0].nfs.server`]: 'nas', [`${MAIN}.command`]: words(expect.stringMatching(/^\/artifacts\/other\/chatglm3-6b-[0-9a-f]{10}$/)) },
    },
    source: {
      props: { source: WeightSource.modelScope(MODEL, { revision: 'v1.0.2' }) },
      reaches: {
        [`${MAIN}.command`]: words('{"kind":"modelscope","repository":"ZhipuAI/chatglm3-6b","revision":"v1.0.2","endpoint":"https://modelscope.cn"}'),
      },
    },
    model: {
      props: { model: GlmModel.CHATGLM2_6B, source: WeightSource.huggingFace(GlmModel.CHATGLM2_6B, { runtime: 'atb-models' }) },
      reaches: { [`${MAIN}.command`]: words('--name', 'chatglm2-6b', '--include', '*.bin') },
    },
    format: {
      props: { format: ArtifactFormat.MINDSPORE },
      reaches: { [`${MAIN}.command`]: words('--format', 'mindspore') },
    },
    connections: { props: { connections: 2 }, reaches: { [`${MAIN}.command`]: words('--connections', '2') } },
    rateLimit: { props: { rateLimit: Size.mebibytes(20) }, reaches: { [`${MAIN}.command`]: words('--rate-limit', '20971520') } },
    verify: { props: { verify: true }, reaches: { [`${MAIN}.command`]: words('--verify') } },
    jsonProgress: { props: { jsonProgress: true }, reaches: { [`${MAIN}.command`]: words('--progress', 'json') } },
    mirrors: {
      props: { mirrors: [WeightSource.directory(STORE, 'mnt/near')] },
      reaches: { [`${MAIN}.command`]: words('{"kind":"directory","path":"/artifacts/store/mnt/near"}') },
    },
    include: {
      props: { include: ['*.json', '*.py', '*.model', '*.safetensors', 'LICENSE'] },
      reaches: { [`${MAIN}.command`]: words('--include', 'LICENSE') },
    },
    exclude: { props: { exclude: ['*.md'] }, reaches: { [`${MAIN}.command`]: words('--exclude', '*.md') } },
    image: { props: { image: 'registry.corp.example/python:3.11' }, reaches: { [`${MAIN}.image`]: 'registry.corp.example/python:3.11', [`${POD}.initContainers[0].image`]: 'registry.corp.example/python:3.11' } },
    backoffLimit: { props: { backoffLimit: 2 }, reaches: { 'spec.backoffLimit': 2 } },
    ttlAfterFinished: { props: { ttlAfterFinished: Duration.hours(1) }, reaches: { 'spec.ttlSecondsAfterFinished': 3600 } },
    presets: {
      props: { presets: [EnvPreset.custom({ name: 'python', variables: { PYTHONFAULTHANDLER: { value: '1', purpose: 'a traceback when it crashes' } } })] },
      reaches: { [`${MAIN}.env[0].name`]: 'PYTHONFAULTHANDLER' },
    },
    env: { props: { env: { TZ: EnvValue.fromValue('Asia/Shanghai') } }, reaches: { [`${MAIN}.env[3].name`]: 'TZ', [`${MAIN}.env[3].value`]: 'Asia/Shanghai' } },
    cpu: { props: { cpu: Cpu.units(2) }, reaches: { [`${MAIN}.resources.requests.cpu`]: '2' } },
    memory: { props: { memory: Size.mebibytes(512) }, reaches: { [`${MAIN}.resources.requests.memory`]: '512Mi' } },
    nodeSelector: { props: { nodeSelector: { network: 'fast' } }, reaches: { [`${POD}.nodeSelector.network`]: 'fast' } },
    tolerations: { props: { tolerations: [{ key: 'infra', effect: 'NoExecute' }] }, reaches: { [`${POD}.tolerations[0].effect`]: 'NoExecute' } },
    priorityClassName: { props: { priorityClassName: 'low' }, reaches: { [`${POD}.priorityClassName`]: 'low' } },
    serviceAccountName: { props: { serviceAccountName: 'downloads' }, reaches: { [`${POD}.serviceAccountName`]: 'downloads' } },
    podLabels: { props: { podLabels: { egress: 'yes' } }, reaches: { 'spec.template.metadata.labels.egress': 'yes' } },
    podAnnotations: { props: { podAnnotations: { 'sidecar.istio.io/inject': 'false' } }, reaches: { 'spec.template.metadata.annotations[sidecar.istio.io/inject]': 'false' } },
    security: { props: { security: SecurityLevel.VENDOR_DEFAULT }, reaches: { [`${POD}.securityContext.runAsNonRoot`]: undefined } },
  }, (props) => only(download(props), 'Job'));
});

const podOf = (objects: readonly KubernetesObject[]): V1PodSpec => (only(objects, 'Job').spec as { template: { spec: V1PodSpec } }).template.spec;

test('a token is read from its Secret and stands nowhere else', () => {
  const tokenSecret = Secret.fromSecretName(new Chart(Testing.app(), 'secrets'), 'hub', 'hub-token');
  const [main] = podOf(download({ source: WeightSource.huggingFace(MODEL, { revision: 'v1.0', tokenSecret }) })).containers;

  expect(main!.env![0]).toEqual({ name: 'HF_TOKEN', valueFrom: { secretKeyRef: { name: 'hub-token', key: 'token' } } });
  expect(main!.command).toContain('{"kind":"huggingface","repository":"THUDM/chatglm3-6b","revision":"v1.0","endpoint":"https://huggingface.co","tokenEnv":"HF_TOKEN"}');
});

test('the platform says mirror, rate, proxy and authority', () => {
  const { volumes, containers: [main] } = podOf(download({}, {
    huggingFaceEndpoint: 'https://hub.corp.example', downloadRate: Size.mebibytes(1), httpsProxy: 'http://proxy.corp.example:3128', caBundle: { configMapName: 'corp-ca' },
  }));

  expect(main!.command).toEqual(expect.arrayContaining([
    '{"kind":"huggingface","repository":"THUDM/chatglm3-6b","revision":"v1.0","endpoint":"https://hub.corp.example"}',
    '--deadline', String(Math.ceil(3 * 12487168064 / 2 ** 20) + 3600), '--ca-bundle', '/etc/cdk8s-chatglm/ca/ca.crt',
  ]));
  expect(main!.env!.slice(0, 2)).toEqual([
    { name: 'HTTPS_PROXY', value: 'http://proxy.corp.example:3128' }, { name: 'NO_PROXY', value: 'localhost,127.0.0.1,.svc,.cluster.local' },
  ]);
  expect(volumes).toContainEqual({ name: 'ca-bundle', configMap: { name: 'corp-ca' } });
});

test('a mirror named by the source wins over the platform\'s', () => {
  const source = WeightSource.huggingFace(MODEL, { revision: 'v1.0', endpoint: 'https://near.corp.example/' });

  expect(podOf(download({ source }, { huggingFaceEndpoint: 'https://far.corp.example' })).containers[0]!.command).toContain(
    '{"kind":"huggingface","repository":"THUDM/chatglm3-6b","revision":"v1.0","endpoint":"https://near.corp.example"}',
  );
});

test('a JSON patch of the construct changes the job', () => {
  const chart = chartWith({});

  ApiObject.of(new DownloadWeights(chart, 'weights', WEIGHTS)).addJsonPatch(JsonPatch.add('/spec/suspend', true));

  expect(only(synthesized(chart), 'Job').spec).toMatchObject({ suspend: true });
});

test('what it makes is where it downloads to', () => {
  const chart = chartWith({});
  const { artifact } = new DownloadWeights(chart, 'weights', WEIGHTS);

  expect([artifact.name, artifact.format.name, artifact.marked]).toEqual(['chatglm3-6b', 'huggingface', true]);
  expect(podOf(synthesized(chart)).containers[0]!.command).toEqual(expect.arrayContaining(['--target', artifact.path, '--lineage', artifact.lineage]));
});
