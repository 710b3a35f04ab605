import type { V1Container, V1PodSpec } from '@kubernetes/client-node';
import { ApiObject, Chart, Duration, JsonPatch, Size, Testing } from 'cdk8s';
import { Cpu, EnvValue, Secret, ServiceType } from 'cdk8s-plus-27';
import {
  Accelerator, Artifact, ArtifactFormat, DevicePlugin, Dtype, EnvPresets, GlmModel, InferenceDeployment, type InferenceDeploymentProps, NodeType,
  Runtime, ScriptDelivery, SecurityLevel, ServingBackend, UpdateStrategy, WeightSource,
} from 'cdk8s-chatglm';

import type { KubernetesObject } from '../../lib/workloads/kubernetes-object';
import { reachManifest } from '../support/every-prop';
import { artifact, chartWith, CHIP, everyVendor, only, STORE, synthesized } from '../support/synthesized';
import { serve, SERVER } from '../support/workloads';

const POD = 'Deployment.spec.template.spec';
const MAIN = `${POD}.containers[0]`;
const TEMPLATE = 'Deployment.spec.template.metadata';

/** Deployment, Service and what stands around one server, by kind. */
function byKind(props: Partial<InferenceDeploymentProps>): Record<string, KubernetesObject> {
  return Object.fromEntries(serve(props).filter(({ kind }) => kind !== 'ConfigMap').map((object) => [object.kind, object]));
}

const ATB = Runtime.atbModels({ image: 'registry.corp.example/llm/atb:1.0' });
const words = (...expected: string[]): unknown => expect.arrayContaining(expected);

const HOST: Partial<InferenceDeploymentProps> = { ingressHost: 'chat.corp.example' };
const secret = (name: string) => Secret.fromSecretName(new Chart(Testing.app(), 'secrets'), name, name);

describe('every prop reaches the manifest', () => {
  reachManifest<InferenceDeploymentProps>({
    model: { props: { model: GlmModel.GLM_4_9B_CHAT }, reaches: { [`${MAIN}.command`]: words('--model-name', 'glm-4-9b-chat', '--model-family', 'glm4') } },
    runtime: {
      given: { accelerator: CHIP, model: GlmModel.CHATGLM2_6B, backend: ServingBackend.ECHO }, props: { runtime: ATB },
      reaches: { [`${MAIN}.image`]: 'registry.corp.example/llm/atb:1.0' },
    },
    weights: {
      props: { weights: artifact(ArtifactFormat.HUGGING_FACE, 'chatglm3') },
      reaches: { [`${MAIN}.command`]: words('--model-path', '/artifacts/store/chatglm3'), [`${MAIN}.volumeMounts[0].readOnly`]: true },
    },
    accelerator: {
      props: { accelerator: CHIP },
      reaches: { [`${MAIN}.resources.limits[huawei.com/Ascend910]`]: 1, [`${MAIN}.resources.requests[huawei.com/Ascend910]`]: 1 },
    },
    devices: {
      given: { accelerator: CHIP }, props: { devices: 4 },
      reaches: { [`${MAIN}.resources.limits[huawei.com/Ascend910]`]: 4, [`${MAIN}.resources.requests.cpu`]: '16', [`${POD}.volumes[0].emptyDir.sizeLimit`]: '4096Mi' },
    },
    dtype: {
      given: { accelerator: CHIP, weights: artifact(ArtifactFormat.HUGGING_FACE) }, props: { dtype: Dtype.INT8 },
      reaches: { [`${MAIN}.resources.requests.memory`]: '11Gi' },
    },
    contextLength: { props: { contextLength: 4096 }, reaches: { [`${MAIN}.command`]: words('--context-length', '4096') } },
    replicas: { props: { replicas: 3 }, reaches: { 'Deployment.spec.replicas': 3 } },
    backend: {
      given: { runtime: ATB, accelerator: CHIP, model: GlmModel.CHATGLM2_6B }, props: { backend: ServingBackend.ECHO },
      lifts: '[test/chat] \'weights\' are missing: runtime \'atb-models\' serves an artifact of format huggingface',
      reaches: { [`${MAIN}.command`]: words('--backend', 'echo') },
    },
    containerPort: {
      props: { containerPort: 9000 },
      reaches: { [`${MAIN}.command`]: words('--port', '9000'), [`${MAIN}.ports[0].containerPort`]: 9000, 'Service.spec.ports[0].targetPort': 9000 },
    },
    servicePort: { props: { servicePort: 8080 }, reaches: { 'Service.spec.ports[0].port': 8080 } },
    serviceType: { props: { serviceType: ServiceType.NODE_PORT }, reaches: { 'Service.spec.type': 'NodePort' } },
    ingressHost: {
      props: { ingressHost: 'chat.corp.example' },
      reaches: {
        'Ingress.spec.rules[0].host': 'chat.corp.example', 'Ingress.spec.rules[0].http.paths[0].path': '/', 'Ingress.spec.rules[0].http.paths[0].pathType': 'Prefix',
        'Ingress.spec.rules[0].http.paths[0].backend.service.name': 'test-chat', 'Ingress.spec.rules[0].http.paths[0].backend.service.port.number': 80,
      },
    },
    ingressPath: { given: HOST, props: { ingressPath: '/glm' }, reaches: { 'Ingress.spec.rules[0].http.paths[0].path': '/glm' } },
    ingressTlsSecret: {
      given: HOST, props: { ingressTlsSecret: secret('chat-tls') }, reaches: { 'Ingress.spec.tls[0].secretName': 'chat-tls', 'Ingress.spec.tls[0].hosts': ['chat.corp.example'] },
    },
    ingressClassName: { given: HOST, props: { ingressClassName: 'nginx' }, reaches: { 'Ingress.spec.ingressClassName': 'nginx' } },
    ingressAnnotations: {
      given: HOST, props: { ingressAnnotations: { 'nginx.ingress.kubernetes.io/proxy-buffering': 'off' } },
      reaches: { 'Ingress.metadata.annotations[nginx.ingress.kubernetes.io/proxy-buffering]': 'off' },
    },
    clientNamespaces: {
      props: { clientNamespaces: ['shop', 'monitoring'] },
      reaches: {
        'NetworkPolicy.spec.podSelector.matchLabels[app.kubernetes.io/instance]': 'test-chat', 'NetworkPolicy.spec.policyTypes': ['Egress', 'Ingress'],
        'NetworkPolicy.spec.ingress[0].from[0].namespaceSelector.matchLabels[kubernetes.io/metadata.name]': 'shop',
        'NetworkPolicy.spec.ingress[0].from[1].namespaceSelector.matchLabels[kubernetes.io/metadata.name]': 'monitoring',
        'NetworkPolicy.spec.ingress[0].ports[0].port': 8000, 'NetworkPolicy.spec.egress[0].ports[0].port': 53, 'NetworkPolicy.spec.egress[0].ports[1].protocol': 'TCP',
      },
    },
    egressCidrs: {
      given: { clientNamespaces: ['shop'] }, props: { egressCidrs: ['10.1.0.0/16', 'fd00::/8'] },
      reaches: { 'NetworkPolicy.spec.egress[3].to[0].ipBlock.cidr': '10.1.0.0/16', 'NetworkPolicy.spec.egress[4].to[0].ipBlock.cidr': 'fd00::/8' },
    },
    apiKeysSecret: {
      props: { apiKeysSecret: secret('keys') },
      reaches: {
        [`${MAIN}.command`]: words('--api-keys-env', 'API_KEYS'), [`${MAIN}.env[0].name`]: 'API_KEYS',
        [`${MAIN}.env[0].valueFrom.secretKeyRef.name`]: 'keys', [`${MAIN}.env[0].valueFrom.secretKeyRef.key`]: 'api-keys',
      },
    },
    apiKeysSecretKey: {
      given: { apiKeysSecret: secret('keys') }, props: { apiKeysSecretKey: 'clients' }, reaches: { [`${MAIN}.env[0].valueFrom.secretKeyRef.key`]: 'clients' },
    },
    maxReplicas: {
      props: { maxReplicas: 4 },
      reaches: {
        'Deployment.spec.replicas': undefined, 'HorizontalPodAutoscaler.spec.maxReplicas': 4, 'HorizontalPodAutoscaler.spec.minReplicas': 1,
        'HorizontalPodAutoscaler.spec.scaleTargetRef.name': 'test-chat', 'HorizontalPodAutoscaler.spec.scaleTargetRef.kind': 'Deployment',
        'HorizontalPodAutoscaler.spec.metrics[0].pods.metric.name': 'chatglm_queue_length', 'HorizontalPodAutoscaler.spec.metrics[0].pods.target.averageValue': 2,
      },
    },
    minReplicas: {
      given: { maxReplicas: 4 }, props: { minReplicas: 2 }, reaches: { 'HorizontalPodAutoscaler.spec.minReplicas': 2, 'PodDisruptionBudget.spec.maxUnavailable': 1 },
    },
    queueMetric: { given: { maxReplicas: 4 }, props: { queueMetric: 'chatglm_running' }, reaches: { 'HorizontalPodAutoscaler.spec.metrics[0].pods.metric.name': 'chatglm_running' } },
    targetQueueLength: { given: { maxReplicas: 4 }, props: { targetQueueLength: 8 }, reaches: { 'HorizontalPodAutoscaler.spec.metrics[0].pods.target.averageValue': 8 } },
    updateStrategy: {
      props: { updateStrategy: UpdateStrategy.ONE_BY_ONE },
      reaches: { 'Deployment.spec.strategy.type': 'RollingUpdate', 'Deployment.spec.strategy.rollingUpdate.maxSurge': 0, 'Deployment.spec.strategy.rollingUpdate.maxUnavailable': 1 },
    },
    spreadOver: {
      props: { spreadOver: 'topology.kubernetes.io/zone' },
      reaches: {
        [`${POD}.topologySpreadConstraints[0].topologyKey`]: 'topology.kubernetes.io/zone', [`${POD}.topologySpreadConstraints[0].whenUnsatisfiable`]: 'ScheduleAnyway',
        [`${POD}.topologySpreadConstraints[0].labelSelector.matchLabels[app.kubernetes.io/instance]`]: 'test-chat',
      },
    },
    podMonitor: {
      props: { podMonitor: true },
      reaches: {
        'PodMonitor.apiVersion': 'monitoring.coreos.com/v1', 'PodMonitor.spec.podMetricsEndpoints[0].port': 'http', 'PodMonitor.spec.podMetricsEndpoints[0].path': '/metrics',
        'PodMonitor.spec.selector.matchLabels[app.kubernetes.io/instance]': 'test-chat',
      },
    },
    podMonitorLabels: { given: { podMonitor: true }, props: { podMonitorLabels: { release: 'prometheus' } }, reaches: { 'PodMonitor.metadata.labels.release': 'prometheus' } },
    queueSize: { props: { queueSize: 8 }, reaches: { [`${MAIN}.command`]: words('--queue-size', '8') } },
    requestTimeout: { props: { requestTimeout: Duration.minutes(2) }, reaches: { [`${MAIN}.command`]: words('--request-timeout', '120') } },
    drainTimeout: { props: { drainTimeout: Duration.minutes(10) }, reaches: { [`${POD}.terminationGracePeriodSeconds`]: 605 } },
    hostNetwork: { props: { hostNetwork: true }, reaches: { [`${POD}.hostNetwork`]: true, [`${POD}.dnsPolicy`]: 'ClusterFirstWithHostNet' } },
    presets: {
      given: { accelerator: CHIP }, props: { presets: [EnvPresets.MINDSPORE_INFERENCE] },
      reaches: { [`${MAIN}.env[0].name`]: 'GRAPH_OP_RUN', [`${MAIN}.env[0].value`]: '1' },
    },
    env: {
      props: { env: { GREETING: EnvValue.fromValue('$(HOME) is literal') } },
      reaches: { [`${MAIN}.env[3].name`]: 'GREETING', [`${MAIN}.env[3].value`]: '$$(HOME) is literal' },
    },
    cpu: { props: { cpu: Cpu.millis(1500) }, reaches: { [`${MAIN}.resources.requests.cpu`]: '1500m' } },
    memory: { props: { memory: Size.gibibytes(3) }, reaches: { [`${MAIN}.resources.requests.memory`]: '3072Mi' } },
    nodeSelector: { props: { nodeSelector: { zone: 'a' } }, reaches: { [`${POD}.nodeSelector.zone`]: 'a' } },
    tolerations: {
      props: { tolerations: [{ key: 'npu', value: 'busy', effect: 'NoSchedule' }, {}] },
      reaches: {
        [`${POD}.tolerations[0].key`]: 'npu', [`${POD}.tolerations[0].operator`]: 'Equal', [`${POD}.tolerations[0].value`]: 'busy',
        [`${POD}.tolerations[0].effect`]: 'NoSchedule', [`${POD}.tolerations[1].operator`]: 'Exists',
      },
    },
    priorityClassName: { props: { priorityClassName: 'urgent' }, reaches: { [`${POD}.priorityClassName`]: 'urgent' } },
    serviceAccountName: { props: { serviceAccountName: 'llm' }, reaches: { [`${POD}.serviceAccountName`]: 'llm' } },
    podLabels: { props: { podLabels: { team: 'ml' } }, reaches: { [`${TEMPLATE}.labels.team`]: 'ml' } },
    podAnnotations: { props: { podAnnotations: { 'corp.example/note': 'a b' } }, reaches: { [`${TEMPLATE}.annotations[corp.example/note]`]: 'a b' } },
    security: { given: { security: SecurityLevel.VENDOR_DEFAULT }, props: { security: SecurityLevel.NON_ROOT }, reaches: { [`${POD}.securityContext.runAsUser`]: 1000 } },
    nodeType: {
      given: { accelerator: CHIP }, props: { nodeType: NodeType.ATLAS_200T_A2_BOX16 },
      reaches: { [`${POD}.nodeSelector[accelerator-type]`]: 'module-910b-16', [`${TEMPLATE}.annotations[huawei.com/schedule_policy]`]: 'chip8-node16' },
    },
    devicePlugin: {
      given: { accelerator: CHIP }, props: { devicePlugin: DevicePlugin.hami() },
      reaches: { [`${MAIN}.resources.limits[huawei.com/Ascend910B3]`]: 1, [`${POD}.runtimeClassName`]: 'ascend' },
    },
    deviceMemory: {
      given: { accelerator: Accelerator.ASCEND_310P_200I_SOC, nodeType: NodeType.ATLAS_200I_SOC_A1 }, props: { deviceMemory: Size.gibibytes(24) },
      lifts: '[test/chat] \'deviceMemory\' is needed: no source tells the memory of Ascend310P 200I SoC; give it, or set \'skipMemoryCheck\'',
      reaches: { [`${MAIN}.resources.limits[huawei.com/Ascend310P]`]: 1 },
    },
    skipMemoryCheck: {
      given: { accelerator: Accelerator.BM1684X, model: GlmModel.GLM_4_9B }, props: { skipMemoryCheck: true },
      lifts: '[test/chat] glm-4-9b needs 18.3 GiB on each of 1 devices to serve in float16 with 1 x 2048 tokens, and BM1684X has 16.0 GiB: 2.3 GiB too little; '
        + 'splitting the model over 2 times as many devices would fit, or set \'skipMemoryCheck\'',
      reaches: { [`${MAIN}.resources.limits[squat.ai/bm1684x]`]: 1 },
    },
  }, byKind);
});

interface Spec {
  readonly progressDeadlineSeconds: number;
  readonly selector: { readonly matchLabels: Record<string, string> };
  readonly template: { readonly metadata: { readonly labels: Record<string, string> }; readonly spec: V1PodSpec };
}

const deploymentSpec = (objects: readonly KubernetesObject[]): Spec => only(objects, 'Deployment').spec as Spec;
const podOf = (objects: readonly KubernetesObject[]): V1PodSpec => deploymentSpec(objects).template.spec;
const startupSeconds = (pod: V1PodSpec): number => pod.containers[0]!.startupProbe!.failureThreshold! * pod.containers[0]!.startupProbe!.periodSeconds!;

const SERVED: Partial<InferenceDeploymentProps> = { runtime: ATB, accelerator: CHIP, model: GlmModel.CHATGLM2_6B, backend: ServingBackend.ECHO };
const PINNED = WeightSource.huggingFace(GlmModel.CHATGLM2_6B, { runtime: 'atb-models' });
const DOWNLOADED = Artifact.downloadedInPod({ store: STORE, model: GlmModel.CHATGLM2_6B, source: PINNED });

describe('budgets', () => {
  test('a PyTorch runtime gets a quarter of an hour to load, and the rollout the pull beside it', () => {
    const spec = deploymentSpec(serve(SERVED));

    expect(startupSeconds(spec.template.spec)).toBe(900);
    expect(spec.progressDeadlineSeconds).toBe(900 + 1800);
  });

  test('large weights get the time to read them twice at 50 MiB/s', () => {
    const spec = deploymentSpec(serve({ model: GlmModel.GLM_4_9B, weights: artifact(ArtifactFormat.HUGGING_FACE) }));

    expect(startupSeconds(spec.template.spec)).toBe(720);
    expect(spec.progressDeadlineSeconds).toBe(720 + 1800);
  });

  test('a download in the pod gets three times what the platform\'s rate promises, and an hour', () => {
    const props = { ...everyVendor(), downloadRate: Size.mebibytes(100) };
    const spec = deploymentSpec(serve({ ...SERVED, weights: DOWNLOADED }, props));
    const deadline = Math.ceil(3 * 12487168064 / (100 * 2 ** 20)) + 3600;

    expect(spec.progressDeadlineSeconds).toBe(900 + 1800 + deadline);
    expect(container(spec.template.spec, 'download-chatglm2-6b').command).toEqual(expect.arrayContaining(['--deadline', String(deadline)]));
  });
});

describe('init containers', () => {
  const MARKED = Artifact.existing({ store: STORE, directory: 'chatglm2', format: ArtifactFormat.HUGGING_FACE, marked: true });
  const names = (pod: V1PodSpec): string[] => pod.initContainers!.map(({ name }) => name);

  test('scripts are there before anything downloads', () => {
    expect(names(podOf(serve({ ...SERVED, weights: DOWNLOADED })))).toEqual(['copy-scripts', 'download-chatglm2-6b']);
  });

  test('scripts are there before anything waits', () => {
    expect(names(podOf(serve({ ...SERVED, weights: MARKED })))).toEqual(['copy-scripts', 'wait-for-artifacts']);
  });

  test('a download writes to the store that the server only reads', () => {
    const pod = podOf(serve({ ...SERVED, weights: DOWNLOADED }));

    expect(container(pod, 'download-chatglm2-6b')).toMatchObject({
      image: 'registry.corp.example/llm/atb:1.0',
      command: [
        'python3', '/opt/cdk8s-chatglm/fetch_weights.py', '--target', DOWNLOADED.path, '--name', 'chatglm2-6b', '--lineage', DOWNLOADED.lineage, '--format', 'huggingface',
        '--source', JSON.stringify({
          kind: 'huggingface', repository: 'THUDM/chatglm2-6b', revision: GlmModel.CHATGLM2_6B.revisionFor('atb-models'), endpoint: 'https://huggingface.co',
        }),
        '--include', '*.json', '--include', '*.py', '--include', 'tokenizer.model', '--include', '*.bin',
        '--require', 'config.json', '--require', 'tokenizer.model', '--require', '*.bin', '--deadline', '7173',
      ],
      volumeMounts: [{ name: 'store-store', mountPath: '/artifacts/store' }, { name: 'scripts', mountPath: '/opt/cdk8s-chatglm', readOnly: true }],
    });
    expect(pod.containers[0]!.volumeMounts).toContainEqual({ name: 'store-store', mountPath: '/artifacts/store', readOnly: true });
  });

  test('a wait reads markers only, and gives up after an hour', () => {
    expect(container(podOf(serve({ ...SERVED, weights: MARKED })), 'wait-for-artifacts')).toMatchObject({
      command: ['python3', '/opt/cdk8s-chatglm/wait_for_artifacts.py', '--artifact', '/artifacts/store/chatglm2', '--timeout', '3600'],
      volumeMounts: [{ name: 'store-store', mountPath: '/artifacts/store', readOnly: true }, { name: 'scripts', mountPath: '/opt/cdk8s-chatglm', readOnly: true }],
    });
  });

  test('no init container asks for a device', () => {
    const asked = podOf(serve({ ...SERVED, weights: DOWNLOADED })).initContainers!.flatMap(({ resources }) => Object.keys(resources?.limits ?? {}));

    expect([...new Set(asked)]).toEqual(['memory']);
  });
});

describe('secrets and networks', () => {
  const tokenSecret = Secret.fromSecretName(new Chart(Testing.app(), 'secrets'), 'hub', 'hub-token');
  const source = WeightSource.huggingFace(GlmModel.CHATGLM2_6B, { runtime: 'atb-models', tokenSecret, tokenSecretKey: 'read' });
  const weights = Artifact.downloadedInPod({ store: STORE, model: GlmModel.CHATGLM2_6B, source });

  test('a hub\'s token is read from its Secret, by the download alone', () => {
    const objects = serve({ ...SERVED, weights });

    expect(container(podOf(objects), 'download-chatglm2-6b').env).toEqual([{ name: 'HF_TOKEN', valueFrom: { secretKeyRef: { name: 'hub-token', key: 'read' } } }]);
    expect(JSON.stringify(podOf(objects).containers)).not.toContain('HF_TOKEN');
  });

  test('a server\'s own secret is read from its Secret', () => {
    const pod = podOf(serve({ env: { API_KEY: tokenSecret.envValue('key') } }));

    expect(pod.containers[0]!.env).toContainEqual({ name: 'API_KEY', valueFrom: { secretKeyRef: { name: 'hub-token', key: 'key' } } });
  });

  test('a download goes through the platform\'s proxy, which addresses of the cluster avoid', () => {
    const props = { ...everyVendor(), httpProxy: 'http://proxy.corp.example:3128', httpsProxy: 'http://proxy.corp.example:3129', noProxy: ['.corp.example'] };

    expect(container(podOf(serve({ ...SERVED, weights: DOWNLOADED }, props)), 'download-chatglm2-6b').env).toEqual([
      { name: 'HTTP_PROXY', value: 'http://proxy.corp.example:3128' },
      { name: 'HTTPS_PROXY', value: 'http://proxy.corp.example:3129' },
      { name: 'NO_PROXY', value: '.corp.example,localhost,127.0.0.1,.svc,.cluster.local' },
    ]);
  });

  test('a download trusts the platform\'s authority', () => {
    const pod = podOf(serve({ ...SERVED, weights: DOWNLOADED }, { ...everyVendor(), caBundle: { configMapName: 'corp-ca', key: 'root.pem' } }));
    const download = container(pod, 'download-chatglm2-6b');

    expect(pod.volumes).toContainEqual({ name: 'ca-bundle', configMap: { name: 'corp-ca' } });
    expect(download.volumeMounts).toContainEqual({ name: 'ca-bundle', mountPath: '/etc/cdk8s-chatglm/ca', readOnly: true });
    expect(download.command).toEqual(expect.arrayContaining(['--ca-bundle', '/etc/cdk8s-chatglm/ca/root.pem']));
  });
});

describe('images and scripts', () => {
  test('every image is pulled from the mirror, with the pull secrets', () => {
    const secrets = new Chart(Testing.app(), 'secrets');
    const pod = podOf(serve({ ...SERVED, weights: DOWNLOADED }, {
      ...everyVendor(), imageRegistry: 'harbor.corp.example/mirror', imagePullSecrets: [Secret.fromSecretName(secrets, 'pull', 'harbor')],
    }));

    expect([...pod.initContainers!, ...pod.containers].map(({ image }) => image)).toEqual(Array(3).fill('harbor.corp.example/mirror/llm/atb:1.0'));
    expect(pod.imagePullSecrets).toEqual([{ name: 'harbor' }]);
  });

  test('an image of scripts is pulled from the mirror too', () => {
    const pod = podOf(serve({}, { imageRegistry: 'harbor.corp.example/mirror', scriptDelivery: ScriptDelivery.image('registry.corp.example/scripts:1.0') }));

    expect(container(pod, 'copy-scripts').image).toBe('harbor.corp.example/mirror/scripts:1.0');
  });

  test('scripts can come in an image: no ConfigMap is rendered', () => {
    const objects = serve({}, { scriptDelivery: ScriptDelivery.image('registry.corp.example/scripts:1.0') });

    expect(objects.map(({ kind }) => kind)).toEqual(['Deployment', 'Service']);
    expect(container(podOf(objects), 'copy-scripts')).toMatchObject({
      image: 'registry.corp.example/scripts:1.0', command: ['cp', '-r', '/container/.', '/opt/cdk8s-chatglm'],
      volumeMounts: [{ name: 'scripts', mountPath: '/opt/cdk8s-chatglm' }],
    });
  });
});

describe('labels and the way out', () => {
  test('the Service selects the pods of its Deployment and no others of the chart', () => {
    const chart = chartWith();
    for (const id of ['chat', 'chat-2']) {
      new InferenceDeployment(chart, id, SERVER);
    }
    const objects = synthesized(chart);
    const pods = objects.filter(({ kind }) => kind === 'Deployment').map(({ metadata, spec }) => ({ name: metadata.name, labels: (spec as Spec).template.metadata.labels }));
    const selected = objects.filter(({ kind }) => kind === 'Service').map(({ metadata, spec }) => {
      const selector = Object.entries((spec as { selector: Record<string, string> }).selector);
      return [metadata.name, pods.filter(({ labels }) => selector.every(([key, value]) => labels[key] === value)).map(({ name }) => name)];
    });

    expect(selected).toEqual([['test-chat', ['test-chat']], ['test-chat-2', ['test-chat-2']]]);
  });

  test('labels of the chart reach objects and pods', () => {
    const chart = new Chart(Testing.app(), 'test', { labels: { team: 'ml' } });
    new InferenceDeployment(chart, 'chat', SERVER);
    const objects = synthesized(chart);

    expect(objects.map(({ metadata }) => metadata.labels?.team)).toEqual(['ml', 'ml', 'ml']);
    expect(deploymentSpec(objects).template.metadata.labels.team).toBe('ml');
  });

  test('a JSON patch changes a device count', () => {
    const chart = chartWith();
    const server = new InferenceDeployment(chart, 'chat', { ...SERVER, accelerator: CHIP });

    ApiObject.of(server).addJsonPatch(JsonPatch.replace('/spec/template/spec/containers/0/resources/limits/huawei.com~1Ascend910', 2));

    expect(podOf(synthesized(chart)).containers[0]!.resources!.limits).toEqual({ 'huawei.com/Ascend910': 2 });
  });
});

/** The container of a pod with the name. */
function container(pod: V1PodSpec, name: string): V1Container {
  return [...pod.initContainers ?? [], ...pod.containers].find((candidate) => candidate.name === name)!;
}
