import { Chart, Size, Testing } from 'cdk8s';
import { Secret } from 'cdk8s-plus-27';
import {
  Delivery, DevicePlugin, DownloadWeights, GlmModel, InferenceDeployment, NodeType, Platform, type PlatformProps, Scheduler, ScriptDelivery, SecurityLevel, WeightSource,
} from 'cdk8s-chatglm';

import { reachManifest } from '../support/every-prop';
import { CHIP, only, STORE, synthesized } from '../support/synthesized';
import { finetune, FINETUNE, serve, SERVER } from '../support/workloads';

/** A download from a hub, a server without accelerator and one with, on one platform. */
function rendered(platform: Partial<PlatformProps>): unknown {
  const chart = new Chart(Testing.app(), 'test', { namespace: 'llm' });
  Platform.attach(chart, { devicePlugins: [DevicePlugin.mindCluster({ version: '26.0' })], ...platform });
  const model = GlmModel.CHATGLM3_6B;
  new DownloadWeights(chart, 'weights', { store: STORE, model, source: platform.modelScopeEndpoint === undefined ? WeightSource.huggingFace(model, PIN) : WeightSource.modelScope(model, PIN) });
  new InferenceDeployment(chart, 'chat', { ...SERVER, accelerator: CHIP });
  const objects = synthesized(chart);
  return { job: only(objects, 'Job'), server: only(objects, 'Deployment'), kinds: objects.map(({ kind }) => kind) };
}

const PIN = { revision: 'v1.0' };
const JOB = 'job.spec.template.spec';
const SERVER_POD = 'server.spec.template.spec';
const words = (...expected: unknown[]): unknown => expect.arrayContaining(expected);
const secret = Secret.fromSecretName(new Chart(Testing.app(), 'secrets'), 'pull', 'harbor');

describe('every prop reaches the manifest', () => {
  reachManifest<PlatformProps>({
    nodeTypes: { props: { nodeTypes: [NodeType.ATLAS_800I_A2] }, reaches: { [`${SERVER_POD}.nodeSelector[server-usage]`]: 'infer' } },
    devicePlugins: { props: { devicePlugins: [DevicePlugin.cce()] }, reaches: { [`${SERVER_POD}.containers[0].resources.limits[huawei.com/ascend-1980]`]: 1 } },
    scheduler: {
      given: { nodeTypes: [NodeType.ATLAS_800T_A2] }, props: { scheduler: Scheduler.volcano({ queue: 'llm' }) },
      reaches: {
        [`${JOB}.schedulerName`]: 'volcano', [`${SERVER_POD}.schedulerName`]: 'volcano', 'job.spec.template.metadata.annotations[scheduling.volcano.sh/queue-name]': 'llm',
        [`${SERVER_POD}.containers[0].env[0].valueFrom.fieldRef.fieldPath`]: 'metadata.annotations[\'huawei.com/Ascend910\']',
      },
    },
    imageRegistry: {
      props: { imageRegistry: 'harbor.corp.example/mirror' },
      reaches: { [`${JOB}.containers[0].image`]: 'harbor.corp.example/mirror/library/python:3.12.7-slim-bookworm', [`${SERVER_POD}.initContainers[0].image`]: 'harbor.corp.example/mirror/library/python:3.12.7-slim-bookworm' },
    },
    imagePullSecrets: { props: { imagePullSecrets: [secret] }, reaches: { [`${JOB}.imagePullSecrets[0].name`]: 'harbor', [`${SERVER_POD}.imagePullSecrets[0].name`]: 'harbor' } },
    tolerations: {
      props: { tolerations: [{ key: 'npu', effect: 'NoSchedule' }] },
      reaches: { [`${JOB}.tolerations[0].key`]: 'npu', [`${SERVER_POD}.tolerations[0].effect`]: 'NoSchedule' },
    },
    nodeSelector: { props: { nodeSelector: { zone: 'a' } }, reaches: { [`${JOB}.nodeSelector.zone`]: 'a', [`${SERVER_POD}.nodeSelector.zone`]: 'a' } },
    priorityClassName: { props: { priorityClassName: 'llm' }, reaches: { [`${JOB}.priorityClassName`]: 'llm', [`${SERVER_POD}.priorityClassName`]: 'llm' } },
    podLabels: {
      props: { podLabels: { team: 'ml' } },
      reaches: { 'job.spec.template.metadata.labels.team': 'ml', 'server.spec.template.metadata.labels.team': 'ml' },
    },
    podAnnotations: {
      props: { podAnnotations: { 'sidecar.istio.io/inject': 'false' } },
      reaches: { 'job.spec.template.metadata.annotations[sidecar.istio.io/inject]': 'false', 'server.spec.template.metadata.annotations[sidecar.istio.io/inject]': 'false' },
    },
    user: {
      props: { user: { uid: 2000, gid: 3000, groups: [1000], name: 'llm' } },
      reaches: {
        [`${JOB}.securityContext.runAsUser`]: 2000, [`${JOB}.securityContext.fsGroup`]: 3000, [`${SERVER_POD}.securityContext.runAsGroup`]: 3000,
        [`${SERVER_POD}.securityContext.supplementalGroups`]: [1000], [`${SERVER_POD}.containers[0].env[1].value`]: 'llm',
      },
    },
    security: { props: { security: SecurityLevel.NON_ROOT }, reaches: { [`${JOB}.containers[0].securityContext.readOnlyRootFilesystem`]: undefined } },
    httpProxy: { props: { httpProxy: 'http://proxy.corp.example:3128' }, reaches: { [`${JOB}.containers[0].env[0].name`]: 'HTTP_PROXY', [`${JOB}.containers[0].env[0].value`]: 'http://proxy.corp.example:3128' } },
    httpsProxy: { props: { httpsProxy: 'http://proxy.corp.example:3128' }, reaches: { [`${JOB}.containers[0].env[0].name`]: 'HTTPS_PROXY' } },
    noProxy: {
      given: { httpProxy: 'http://proxy.corp.example:3128' }, props: { noProxy: ['.corp.example', '10.0.0.0/8'] },
      reaches: { [`${JOB}.containers[0].env[1].value`]: '.corp.example,10.0.0.0/8,localhost,127.0.0.1,.svc,.cluster.local' },
    },
    caBundle: {
      props: { caBundle: { configMapName: 'corp-ca' } },
      reaches: { [`${JOB}.containers[0].command`]: words('--ca-bundle', '/etc/cdk8s-chatglm/ca/ca.crt'), [`${JOB}.volumes[0].configMap.name`]: 'corp-ca' },
    },
    huggingFaceEndpoint: {
      props: { huggingFaceEndpoint: 'https://hf.corp.example' },
      reaches: { [`${JOB}.containers[0].command`]: words(expect.stringContaining('"endpoint":"https://hf.corp.example"')) },
    },
    modelScopeEndpoint: {
      props: { modelScopeEndpoint: 'https://ms.corp.example' },
      reaches: { [`${JOB}.containers[0].command`]: words(expect.stringContaining('"endpoint":"https://ms.corp.example"')) },
    },
    downloadRate: { props: { downloadRate: Size.mebibytes(100) }, reaches: { [`${JOB}.containers[0].command`]: words('--deadline', String(Math.ceil(3 * 12487168064 / 100 / 2 ** 20) + 3600)) } },
    delivery: {
      props: { delivery: Delivery.ARGO_CD },
      reaches: { 'job.metadata.annotations[argocd.argoproj.io/sync-wave]': '0', 'server.metadata.annotations[argocd.argoproj.io/sync-wave]': '0' },
    },
    scriptDelivery: {
      props: { scriptDelivery: ScriptDelivery.image('registry.corp.example/scripts:1.0') },
      reaches: { [`${JOB}.initContainers[0].image`]: 'registry.corp.example/scripts:1.0', kinds: ['Job', 'Deployment', 'Service'] },
    },
  }, rendered);
});

describe('where a platform holds', () => {
  test('the nearest one above a construct wins', () => {
    const app = Testing.app();
    Platform.attach(app, { podLabels: { team: 'platform' } });
    const [plain, own] = ['plain', 'own'].map((id) => new Chart(app, id));
    Platform.attach(own!, { podLabels: { team: 'ml' } });

    const teams = [plain!, own!].map((chart) => {
      new InferenceDeployment(chart, 'chat', SERVER);
      return (only(synthesized(chart), 'Deployment').spec as { template: { metadata: { labels: Record<string, string> } } }).template.metadata.labels.team;
    });

    expect(teams).toEqual(['platform', 'ml']);
  });

  test('without one, a server that needs no accelerator renders with the defaults', () => {
    const chart = new Chart(Testing.app(), 'test');
    new InferenceDeployment(chart, 'chat', SERVER);

    expect(synthesized(chart).map(({ kind }) => kind)).toEqual(['Deployment', 'Service', 'ConfigMap']);
  });

  test('a workload\'s own props win over the platform, and tolerations add up', () => {
    const platform = { priorityClassName: 'low', tolerations: [{ key: 'npu' }], podLabels: { team: 'platform', cost: '1' }, nodeSelector: { zone: 'a' } };
    const own = { priorityClassName: 'high', tolerations: [{ key: 'mine' }], podLabels: { team: 'ml' }, nodeSelector: { zone: 'b' } };
    const { template } = only(serve(own, platform), 'Deployment').spec as { template: { metadata: { labels: object }; spec: object } };

    expect(template.metadata.labels).toMatchObject({ team: 'ml', cost: '1' });
    expect(template.spec).toMatchObject({
      priorityClassName: 'high', nodeSelector: { zone: 'b' }, tolerations: [{ key: 'npu', operator: 'Exists' }, { key: 'mine', operator: 'Exists' }],
    });
  });

  test('Kueue admits what carries its queue', () => {
    const platform = { devicePlugins: [DevicePlugin.cce()], scheduler: Scheduler.kueue({ queue: 'llm' }) };

    expect(only(serve({}, platform), 'Deployment').metadata.labels).toMatchObject({ 'kueue.x-k8s.io/queue-name': 'llm' });
    expect(only(finetune(FINETUNE, platform), 'Job').metadata.labels).toMatchObject({ 'kueue.x-k8s.io/queue-name': 'llm' });
  });
});
