import { Chart, Size, Testing } from 'cdk8s';
import { Cpu, EnvValue, Secret, ServiceType } from 'cdk8s-plus-27';
import { EnvPreset, InferenceDeployment, type InferenceDeploymentProps, SecurityLevel, WebInterface, type WebInterfaceProps } from 'cdk8s-chatglm';

import type { KubernetesObject } from '../../lib/workloads/kubernetes-object';
import { refuses } from '../support/bad-input';
import { reachManifest } from '../support/every-prop';
import { podOf } from '../support/pod-of';
import { chartWith, synthesized } from '../support/synthesized';
import { SERVER } from '../support/workloads';

const POD = 'Deployment.spec.template.spec';
const MAIN = `${POD}.containers[0]`;
const words = (...expected: string[]): unknown => expect.arrayContaining(expected);
const IMAGE = 'registry.example/gradio:3.39.0';
const HOST: Partial<WebInterfaceProps> = { ingressHost: 'chat.corp.example' };

/** Deployment, Service and Ingress of a page in front of a server, by kind. */
function page(props: Partial<WebInterfaceProps> = {}, serverProps: Partial<InferenceDeploymentProps> = {}, namespace = 'llm'): Record<string, KubernetesObject> {
  const chart = chartWith();
  const server = new InferenceDeployment(chart, 'chat', { ...SERVER, ...serverProps });
  const scope = namespace === 'llm' ? chart : new Chart(chart, 'pages', { namespace });
  new WebInterface(scope, 'page', { server, image: IMAGE, ...props });
  return Object.fromEntries(synthesized(scope).filter(({ metadata }) => metadata.name.endsWith('-page')).map((object) => [object.kind, object]));
}

const secret = Secret.fromSecretName(new Chart(Testing.app(), 'secrets'), 'tls', 'page-tls');
const another = new InferenceDeployment(chartWith(), 'another', SERVER);

describe('every prop reaches the manifest', () => {
  reachManifest<WebInterfaceProps>({
    server: { props: { server: another }, reaches: { [`${MAIN}.command`]: words('--server', 'http://test-another', '--model-name', 'chatglm3-6b') } },
    image: { props: { image: 'registry.example/gradio:4.44.0' }, reaches: { [`${MAIN}.image`]: 'registry.example/gradio:4.44.0' } },
    containerPort: {
      props: { containerPort: 8080 }, reaches: { [`${MAIN}.command`]: words('--port', '8080'), [`${MAIN}.ports[0].containerPort`]: 8080, 'Service.spec.ports[0].targetPort': 8080 },
    },
    servicePort: { props: { servicePort: 8080 }, reaches: { 'Service.spec.ports[0].port': 8080 } },
    serviceType: { props: { serviceType: ServiceType.NODE_PORT }, reaches: { 'Service.spec.type': 'NodePort' } },
    ingressHost: { props: HOST, reaches: { 'Ingress.spec.rules[0].host': 'chat.corp.example', 'Ingress.spec.rules[0].http.paths[0].backend.service.name': 'test-page' } },
    ingressPath: { given: HOST, props: { ingressPath: '/glm' }, reaches: { 'Ingress.spec.rules[0].http.paths[0].path': '/glm' } },
    ingressTlsSecret: { given: HOST, props: { ingressTlsSecret: secret }, reaches: { 'Ingress.spec.tls[0].secretName': 'page-tls' } },
    ingressClassName: { given: HOST, props: { ingressClassName: 'nginx' }, reaches: { 'Ingress.spec.ingressClassName': 'nginx' } },
    ingressAnnotations: { given: HOST, props: { ingressAnnotations: { 'corp.example/note': 'x' } }, reaches: { 'Ingress.metadata.annotations[corp.example/note]': 'x' } },
    presets: {
      props: { presets: [EnvPreset.custom({ name: 'mine', variables: { FROM_PRESET: { value: '1', purpose: 'a test' } } })] }, reaches: { [`${MAIN}.env[0].name`]: 'FROM_PRESET' },
    },
    env: { props: { env: { GREETING: EnvValue.fromValue('hi') } }, reaches: { [`${MAIN}.env[3].name`]: 'GREETING' } },
    cpu: { props: { cpu: Cpu.millis(1500) }, reaches: { [`${MAIN}.resources.requests.cpu`]: '1500m' } },
    memory: { props: { memory: Size.gibibytes(3) }, reaches: { [`${MAIN}.resources.requests.memory`]: '3072Mi' } },
    nodeSelector: { props: { nodeSelector: { zone: 'a' } }, reaches: { [`${POD}.nodeSelector.zone`]: 'a' } },
    tolerations: { props: { tolerations: [{ key: 'web' }] }, reaches: { [`${POD}.tolerations[0].key`]: 'web' } },
    priorityClassName: { props: { priorityClassName: 'urgent' }, reaches: { [`${POD}.priorityClassName`]: 'urgent' } },
    serviceAccountName: { props: { serviceAccountName: 'llm' }, reaches: { [`${POD}.serviceAccountName`]: 'llm' } },
    podLabels: { props: { podLabels: { team: 'ml' } }, reaches: { 'Deployment.spec.template.metadata.labels.team': 'ml' } },
    podAnnotations: { props: { podAnnotations: { note: 'x' } }, reaches: { 'Deployment.spec.template.metadata.annotations.note': 'x' } },
    security: { props: { security: SecurityLevel.VENDOR_DEFAULT }, given: { security: SecurityLevel.RESTRICTED }, reaches: { [`${POD}.securityContext.runAsUser`]: undefined } },
  }, page);
});

test('a page asks for no device and is not root', () => {
  const { Deployment } = page();

  expect(JSON.stringify(Deployment)).not.toMatch(/huawei\.com|cambricon\.com|squat\.ai/);
  expect(Deployment!.spec).toMatchObject({ replicas: 1, template: { spec: { securityContext: { runAsNonRoot: true } } } });
});

test.each([
  ['in the same namespace', {}, 'llm', 'http://test-chat'],
  ['at another port', { servicePort: 8080 }, 'llm', 'http://test-chat:8080'],
  ['from another namespace', {}, 'pages', 'http://test-chat.llm'],
])('a server is found %s', (_what, serverProps, namespace, address) => {
  const { Deployment } = page({}, serverProps, namespace);

  expect((Deployment!.spec as { template: { spec: { containers: { command: string[] }[] } } }).template.spec.containers[0]!.command).toEqual([
    'python3', '/opt/cdk8s-chatglm/serve_web.py', '--server', address, '--model-name', 'chatglm3-6b', '--port', '7860',
  ]);
});

test('a page sends a key from the Secret of the server', () => {
  const { container } = podOf(page({}, { apiKeysSecret: secret, apiKeysSecretKey: 'clients' }).Deployment!);

  expect(container.command!.slice(-2)).toEqual(['--api-keys-env', 'API_KEYS']);
  expect(container.env).toContainEqual({ name: 'API_KEYS', valueFrom: { secretKeyRef: { name: 'page-tls', key: 'clients' } } });
});

test('a page is let in by the NetworkPolicy of its server', () => {
  expect(page({}, { clientNamespaces: ['shop', 'pages'] }, 'pages').Deployment).toBeDefined();
});

describe('what is refused', () => {
  const made = (props: Partial<WebInterfaceProps>) => () => page(props);
  refuses([
    ['an image that moves', made({ image: 'gradio:latest' }), '[test/page] \'image\' must be pinned by a full tag or a digest, got \'gradio:latest\''],
    ['a privileged port', made({ containerPort: 80 }), '[test/page] \'containerPort\' must be a whole number from 1024 to 65535, got 80'],
    ['no port', made({ servicePort: 0 }), '[test/page] \'servicePort\' must be a whole number from 1 to 65535, got 0'],
    [
      'a namespace that the server lets not in', () => page({}, { clientNamespaces: ['shop'] }, 'pages'),
      '[test/pages/page] the page is in the namespace \'pages\', which the NetworkPolicy of its server refuses; add it to the server\'s \'clientNamespaces\', got shop',
    ],
    ['TLS without an Ingress', made({ ingressTlsSecret: secret }), '[test/page] \'ingressTlsSecret\' is for an Ingress, which needs \'ingressHost\''],
  ]);
});
