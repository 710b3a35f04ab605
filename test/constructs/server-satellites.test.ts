import { Chart, Duration, Testing } from 'cdk8s';
import { Secret } from 'cdk8s-plus-27';
import {
  Artifact, ArtifactFormat, GlmModel, type InferenceDeploymentProps, Runtime, UpdateStrategy, WeightSource,
} from 'cdk8s-chatglm';

import type { KubernetesObject } from '../../lib/workloads/kubernetes-object';
import { refuses } from '../support/bad-input';
import { dottedPaths } from '../support/dotted-paths';
import { artifact, CHIP, only, STORE } from '../support/synthesized';
import { serve } from '../support/workloads';

const secret = Secret.fromSecretName(new Chart(Testing.app(), 'secrets'), 'some', 'some');
const server = (props: Partial<InferenceDeploymentProps>) => () => serve(props);
const kinds = (objects: readonly KubernetesObject[]): string[] => objects.map(({ kind }) => kind).filter((kind) => kind !== 'ConfigMap').sort();
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- shorter than a cast at every use
const specOf = <T = unknown>(objects: readonly KubernetesObject[], kind: string): T => only(objects, kind).spec as T;

const MIND_IE: Partial<InferenceDeploymentProps> = {
  runtime: Runtime.mindIe({ image: 'registry.example/mindie:1' }), accelerator: CHIP, weights: artifact(ArtifactFormat.HUGGING_FACE),
};
const DOWNLOADED: Partial<InferenceDeploymentProps> = {
  model: GlmModel.CHATGLM2_6B,
  weights: Artifact.downloadedInPod({ store: STORE, model: GlmModel.CHATGLM2_6B, source: WeightSource.huggingFace(GlmModel.CHATGLM2_6B, { runtime: 'atb-models' }) }),
};

describe('what stands around a server', () => {
  test('is nothing by default but its Service', () => {
    expect(kinds(serve())).toEqual(['Deployment', 'Service']);
  });

  test('all of it has the server\'s name and labels, and is found by its selector', () => {
    const objects = serve({
      ingressHost: 'chat.corp.example', maxReplicas: 4, minReplicas: 2, podMonitor: true, clientNamespaces: ['shop'],
    }).filter(({ kind }) => kind !== 'ConfigMap');

    expect(kinds(objects)).toEqual(['Deployment', 'HorizontalPodAutoscaler', 'Ingress', 'NetworkPolicy', 'PodDisruptionBudget', 'PodMonitor', 'Service']);
    expect([...new Set(objects.map(({ metadata }) => metadata.name))]).toEqual(['test-chat']);
    expect([...new Set(objects.map(({ metadata }) => metadata.labels?.['app.kubernetes.io/instance']))]).toEqual(['test-chat']);
    const template = specOf<{ template: { metadata: { labels: Record<string, string> } } }>(objects, 'Deployment').template.metadata.labels;
    for (const selector of [
      specOf<{ selector: { matchLabels: object } }>(objects, 'PodDisruptionBudget').selector.matchLabels,
      specOf<{ selector: { matchLabels: object } }>(objects, 'PodMonitor').selector.matchLabels,
      specOf<{ podSelector: { matchLabels: object } }>(objects, 'NetworkPolicy').podSelector.matchLabels,
      specOf<{ selector: object }>(objects, 'Service').selector,
    ]) {
      expect(template).toMatchObject(selector);
      expect(Object.keys(selector).sort()).toEqual(['app.kubernetes.io/component', 'app.kubernetes.io/instance']);
    }
  });

  test.each([[0, false], [1, false], [2, true], [5, true]])('%i replicas: a disruption budget and a spread over hosts %s', (replicas, expected) => {
    const objects = serve({ replicas });
    const pod = specOf<{ template: { spec: { topologySpreadConstraints?: { topologyKey: string }[] } } }>(objects, 'Deployment').template.spec;

    expect(kinds(objects).includes('PodDisruptionBudget')).toBe(expected);
    expect(pod.topologySpreadConstraints?.map(({ topologyKey }) => topologyKey)).toEqual(expected ? ['kubernetes.io/hostname'] : undefined);
  });

  test('a drain of nodes takes one pod at a time, and one that is not ready is no reason to wait', () => {
    expect(specOf(serve({ replicas: 3 }), 'PodDisruptionBudget')).toEqual({
      maxUnavailable: 1, unhealthyPodEvictionPolicy: 'AlwaysAllow',
      selector: { matchLabels: { 'app.kubernetes.io/instance': 'test-chat', 'app.kubernetes.io/component': 'serve' } },
    });
  });
});

describe('an autoscaler', () => {
  interface Behavior { behavior: { scaleUp: { policies: unknown[] }; scaleDown: { policies: unknown[]; stabilizationWindowSeconds: number } } }

  test('adds one pod in the time that a pod takes to load, and takes pods away slowly', () => {
    const loading = serve({ maxReplicas: 4, weights: artifact(ArtifactFormat.HUGGING_FACE), model: GlmModel.GLM_4_9B });
    const { scaleUp, scaleDown } = specOf<Behavior>(loading, 'HorizontalPodAutoscaler').behavior;

    expect(scaleUp.policies).toEqual([{ type: 'Pods', value: 1, periodSeconds: 720 }]);
    expect(scaleDown).toMatchObject({ policies: [{ type: 'Pods', value: 1, periodSeconds: 300 }], stabilizationWindowSeconds: 600 });
  });

  test('leaves the number of pods to itself: the Deployment has none', () => {
    expect(specOf(serve({ maxReplicas: 4 }), 'Deployment')).not.toHaveProperty('replicas');
  });

  test('of MindIE follows MindIE\'s own queue, which is measured only on request', () => {
    const objects = serve({ ...MIND_IE, maxReplicas: 2 });

    expect(dottedPaths(only(objects, 'HorizontalPodAutoscaler').spec)['metrics[0].pods.metric.name']).toBe('num_requests_waiting');
    expect(JSON.stringify(only(objects, 'Deployment').spec)).toContain('{"name":"MIES_SERVICE_MONITOR_MODE","value":"1"}');
  });
});

describe('a NetworkPolicy', () => {
  test('lets the server ask name servers and nobody else, wherever they run', () => {
    const dns = [{ port: 53, protocol: 'UDP' }, { port: 53, protocol: 'TCP' }];

    expect(specOf<{ egress: unknown }>(serve({ clientNamespaces: ['shop'] }), 'NetworkPolicy').egress).toEqual([
      { ports: dns, to: [{ namespaceSelector: {}, podSelector: {} }] },
      { ports: dns, to: [{ ipBlock: { cidr: '0.0.0.0/0' } }] },
      { ports: dns, to: [{ ipBlock: { cidr: '::/0' } }] },
    ]);
  });

  test('opens the API and the metrics of MindIE, but not its management', () => {
    const [rule] = specOf<{ ingress: { ports: { port: number }[] }[] }>(serve({ ...MIND_IE, clientNamespaces: ['shop'] }), 'NetworkPolicy').ingress;

    expect(rule?.ports.map(({ port }) => port)).toEqual([8000, 1027]);
  });

  test('without namespaces lets nobody connect', () => {
    // A rule with an empty 'from' lets everybody in: there must be no rule at all.
    const { ingress, policyTypes } = specOf<{ ingress?: unknown[]; policyTypes: string[] }>(serve({ clientNamespaces: [] }), 'NetworkPolicy');

    expect(ingress ?? []).toEqual([]);
    expect(policyTypes).toContain('Ingress');
  });
});

test('a PodMonitor of MindIE reads its metrics port', () => {
  expect(specOf<{ podMetricsEndpoints: unknown }>(serve({ ...MIND_IE, podMonitor: true }), 'PodMonitor').podMetricsEndpoints).toEqual([{ port: 'metrics', path: '/metrics' }]);
});

test.each([
  [UpdateStrategy.RECREATE, { type: 'Recreate' }],
  [UpdateStrategy.ONE_BY_ONE, { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } }],
  [UpdateStrategy.SURGE, { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } }],
])('an update: %s', (updateStrategy, strategy) => {
  expect(specOf<{ strategy: unknown }>(serve({ updateStrategy }), 'Deployment').strategy).toEqual(strategy);
});

test('a Secret with API keys is nowhere but in a reference', () => {
  const objects = JSON.stringify(serve({ apiKeysSecret: secret, apiKeysSecretKey: 'clients' }));

  expect(objects.split('"name":"some"').length - 1).toBe(1);
});

describe('what is refused', () => {
  refuses([
    ['a path without an Ingress', server({ ingressPath: '/x' }), '[test/chat] \'ingressPath\' is for an Ingress, which needs \'ingressHost\''],
    ['TLS without an Ingress', server({ ingressTlsSecret: secret }), '[test/chat] \'ingressTlsSecret\' is for an Ingress, which needs \'ingressHost\''],
    ['a class without an Ingress', server({ ingressClassName: 'nginx' }), '[test/chat] \'ingressClassName\' is for an Ingress, which needs \'ingressHost\''],
    ['annotations without an Ingress', server({ ingressAnnotations: {} }), '[test/chat] \'ingressAnnotations\' is for an Ingress, which needs \'ingressHost\''],
    ['a URL as host', server({ ingressHost: 'https://chat.corp.example' }), '[test/chat] \'ingressHost\' must be a host name like \'chat.corp.example\', got \'https://chat.corp.example\''],
    ['a relative path', server({ ingressHost: 'chat.corp.example', ingressPath: 'chat' }), '[test/chat] \'ingressPath\' must be a path like \'/chat\', got \'chat\''],
    ...['/a//b', '/a/../b', '/a/.', '/a%2Fb'].map((path): [string, () => unknown, string] => [
      `the path ${path}`, server({ ingressHost: 'chat.corp.example', ingressPath: path }), `[test/chat] 'ingressPath' must be a path like '/chat', got '${path}'`,
    ]),
    ['a least number without an autoscaler', server({ minReplicas: 2 }), '[test/chat] \'minReplicas\' is for an autoscaler, which needs \'maxReplicas\''],
    ['a metric without an autoscaler', server({ queueMetric: 'x' }), '[test/chat] \'queueMetric\' is for an autoscaler, which needs \'maxReplicas\''],
    ['a target without an autoscaler', server({ targetQueueLength: 2 }), '[test/chat] \'targetQueueLength\' is for an autoscaler, which needs \'maxReplicas\''],
    ['a fixed number with an autoscaler', server({ replicas: 2, maxReplicas: 4 }), '[test/chat] \'replicas\' does not go with \'maxReplicas\', which leaves their number to the autoscaler; use \'minReplicas\''],
    ['a range upside down', server({ minReplicas: 4, maxReplicas: 2 }), '[test/chat] \'minReplicas\' and \'maxReplicas\' must be whole numbers, from 1 and in this order, got 4 and 2'],
    ['a range from nothing', server({ minReplicas: 0, maxReplicas: 2 }), '[test/chat] \'minReplicas\' and \'maxReplicas\' must be whole numbers, from 1 and in this order, got 0 and 2'],
    ['half a pod', server({ maxReplicas: 1.5 }), '[test/chat] \'minReplicas\' and \'maxReplicas\' must be whole numbers, from 1 and in this order, got 1 and 1.5'],
    ['a target of nothing', server({ maxReplicas: 2, targetQueueLength: 0 }), '[test/chat] \'targetQueueLength\' must be positive, got 0'],
    ['an autoscaler without a metric', server({ maxReplicas: 2, queueMetric: '' }), '[test/chat] \'queueMetric\' must be the name of a metric, got \'\'; leave it out for the server\'s own queue'],
    ['an autoscaler over a store of one node', server({ maxReplicas: 2, weights: Artifact.existing({ store: { ...STORE, shared: false }, directory: 'chatglm3', format: ArtifactFormat.HUGGING_FACE }) }), '[test/chat] \'maxReplicas\' is 2, but the store \'store\' can be used on one node only; make it ReadWriteMany, or use one replica'],
    ['labels without a PodMonitor', server({ podMonitorLabels: { release: 'prometheus' } }), '[test/chat] \'podMonitorLabels\' are for a PodMonitor, which needs \'podMonitor\''],
    ['networks without a NetworkPolicy', server({ egressCidrs: ['10.0.0.0/8'] }), '[test/chat] \'egressCidrs\' is for a NetworkPolicy, which needs \'clientNamespaces\''],
    ['a NetworkPolicy on the host\'s network', server({ clientNamespaces: ['shop'], hostNetwork: true }), '[test/chat] \'clientNamespaces\' does not go with \'hostNetwork\': a NetworkPolicy does not apply to pods on the network of their node'],
    ['what is no namespace', server({ clientNamespaces: ['Shop'] }), '[test/chat] \'clientNamespaces\' must be names of namespaces, got \'Shop\''],
    ['what is no network', server({ clientNamespaces: ['shop'], egressCidrs: ['hub.corp.example'] }), '[test/chat] \'egressCidrs\' must be networks like \'10.0.0.0/8\', got \'hub.corp.example\''],
    ...['999.1.1.1/8', '10.0.0.0/33', '10.0.0.0', '10.0.0.0/08', 'fd00::/129', 'fe80::1%eth0/64', 'fd00:/8'].map((cidr): [string, () => unknown, string] => [
      `the network ${cidr}`, server({ clientNamespaces: ['shop'], egressCidrs: [cidr] }), `[test/chat] 'egressCidrs' must be networks like '10.0.0.0/8', got '${cidr}'`,
    ]),
    ['a download that the NetworkPolicy refuses', server({ ...DOWNLOADED, clientNamespaces: ['shop'] }), '[test/chat] \'egressCidrs\' is missing: the pod downloads chatglm2-6b, and \'clientNamespaces\' makes a NetworkPolicy that refuses it; give the network of the hub or of the proxy, or download by DownloadWeights first'],
    ['a key of no Secret', server({ apiKeysSecretKey: 'clients' }), '[test/chat] \'apiKeysSecretKey\' is the key of \'apiKeysSecret\', which is missing'],
    ['half a place in the queue', server({ queueSize: 0.5 }), '[test/chat] \'queueSize\' must be a whole number from 0, got 0.5'],
    ['no time for a request', server({ requestTimeout: Duration.seconds(0) }), '[test/chat] \'requestTimeout\' must be from 1 second to 1 day, got 0 seconds'],
    ['two days to drain', server({ drainTimeout: Duration.days(2) }), '[test/chat] \'drainTimeout\' must be from 1 second to 1 day, got 172800 seconds'],
  ]);
});
