import { annotations, deployment, env, job, labels, object, on, type Parts, podLabels, type RuleCase, runs } from '../manifests';

const mount = (of: object, ...volumes: object[]): Parts => ({ container: { volumeMounts: [of] }, pod: { volumes } });
const CLAIM_TEMPLATES = object('StatefulSet', 'db', {
  spec: { template: { spec: { containers: [{ name: 'main', image: 'x:1', volumeMounts: [{ name: 'data', mountPath: '/data' }] }] } }, volumeClaimTemplates: [{ metadata: { name: 'data' } }] },
}, 'apps/v1');

export const CONTAINER_CASES: RuleCase[] = [
  ['container-names', job({ pod: { initContainers: [{ name: 'wait', image: 'x:1' }] } }), job({ container: { name: 'Main' }, pod: { initContainers: [{ name: 'a', image: 'x:1' }, { name: 'a', image: 'x:1' }] } }),
    [
      'two containers are called \'a\'; names must differ',
      'container \'Main\' must have a name of lower case letters, digits and \'-\'',
    ]],
  ['image-pinned', job({ container: { image: `x@sha256:${'a'.repeat(64)}` } }), job({ container: { image: 'x:latest' } }),
    ['\'image of container main\' must be pinned by a full tag or a digest, got \'x:latest\'']],
  ['image-pinned', job({ container: { image: 'localhost:5000/a/b:v1' } }), job({ container: { image: 'registry.example/x' }, pod: { initContainers: [{ name: 'wait', image: '{{ image }}' }] } }),
    [
      '\'image of container wait\' must be an image like \'registry.example/path/name:tag\', got \'{{ image }}\'',
      '\'image of container main\' must be pinned by a full tag or a digest, got \'registry.example/x\'',
    ]],
  ['mounts-have-volumes', job(mount({ name: 'v', mountPath: '/v' }, { name: 'v', emptyDir: {} })), job(mount({ name: 'v', mountPath: '/v' })),
    ['container \'main\' mounts the volume \'v\' at /v, but the pod has none of that name']],
  ['mounts-have-volumes', CLAIM_TEMPLATES, job(mount({ name: 'v', mountPath: '/v' }, { name: 'w', emptyDir: {} })),
    ['container \'main\' mounts the volume \'v\' at /v, but the pod has none of that name']],
  ['mount-paths', job(mount({ name: 'v', mountPath: '/a' }, { name: 'v' }), mount({ name: 'v', mountPath: '/b' })), job(mount({ name: 'v', mountPath: '/a' }, { name: 'v' }), mount({ name: 'v', mountPath: '/a' })),
    ['container \'main\' has two mounts at /a']],
  ['store-without-sub-path', job(mount({ name: 'files', mountPath: '/etc/passwd', subPath: 'etc-passwd' }, { name: 'files' })), job(mount({ name: 'store-a', mountPath: '/w', subPath: 'weights' }, { name: 'store-a' })),
    ['container \'main\' mounts \'store-a\' with subPath \'weights\'; mount the store at its root']],
  ['store-without-sub-path', job(mount({ name: 'weights', mountPath: '/artifacts/store' }, { name: 'weights' })), job(mount({ name: 'weights', mountPath: '/artifacts/store', subPath: 'x' }, { name: 'weights' })),
    ['container \'main\' mounts \'weights\' with subPath \'x\'; mount the store at its root']],
  ['store-without-sub-path', job(mount({ name: 'logs', mountPath: '/var/log', subPathExpr: '$(POD)' }, { name: 'logs' })), job(mount({ name: 'weights', mountPath: '/artifacts/store', subPathExpr: '$(MODEL)' }, { name: 'weights' })),
    ['container \'main\' mounts \'weights\' with subPathExpr \'$(MODEL)\'; mount the store at its root']],
  ['image-pinned', job({ container: { image: 'registry.example/x:nightly-2026-11-01' } }), job({ container: { image: 'registry.example/x:nightly' } }),
    ['container \'main\' has the image \'registry.example/x:nightly\', whose tag moves']],
  ['duplicate-variable', job(env('A', '1'), env('B', '1')), job(env('A', '1'), env('B', '1'), env('A', '2')),
    ['container \'main\' sets A twice']],
  ['variable-order', job(env('A', '1'), env('B', '$(A) $(OTHER) $$(C)'), env('C', 'x')), job(env('B', 'x$(A)'), env('A', '1')),
    ['container \'main\' uses $(A) in B, which stands before it']],
];

const LONG = 'a'.repeat(64);
const unshaped = (spec: unknown, kind = 'Deployment') => object(kind, 'odd', { spec }, 'apps/v1');

export const KUBERNETES_CASES: RuleCase[] = [
  ['object-shape', object('Widget', 'x', { spec: { template: { spec: 'anything' }, containers: 3 } }, 'example.com/v1'), unshaped({ template: { spec: { container: [] } } }),
    ['spec.template.spec.containers is missing']],
  ['object-shape', job(), unshaped({ replicas: '2', template: { metadata: { labels: ['a'] }, spec: { containers: { name: 'x' } } } }),
    [
      'spec.template.metadata.labels must be a map, got a list',
      'spec.template.spec.containers must be a list, got a map',
      'spec.replicas must be a number, got the string "2"',
    ]],
  ['object-shape', job(), job({ container: { env: [{ value: 'x' }, 'A=B'] as never } }),
    [
      'spec.template.spec.containers[0].env[0].name is missing',
      'spec.template.spec.containers[0].env[1] must be a map, got the string "A=B"',
    ]],
  ['string-values', job(env('A', '1'), labels({ duo: 'true' })), job(env('A', 1), labels({ duo: true })),
    [
      'metadata.labels.duo must be a string, got the boolean true; put it in quotes',
      'spec.template.spec.containers[0].env[0].value must be a string, got the number 1; put it in quotes',
    ]],
  ['string-values', deployment(runs('serve', '8000')), deployment(runs('serve', 8000), on({ zone: 3 })),
    [
      'spec.template.spec.containers[0].command[1] must be a string, got the number 8000; put it in quotes',
      'spec.template.spec.nodeSelector.zone must be a string, got the number 3; put it in quotes',
    ]],
  ['object-name', job(), job({ metadata: { name: LONG } }),
    ['the name must be lower case letters, digits and \'-\', at most 63 characters']],
  ['object-name', object('ConfigMap', `${LONG}.b`), object('ConfigMap', 'A'),
    ['the name must be lower case letters, digits and \'-\', at most 253 characters']],
  ['object-name', object('ClusterRole', 'system:node', {}, 'rbac.authorization.k8s.io/v1'), { ...object('Job', 'x', {}, 'batch/v1'), metadata: {} as never },
    ['the name must be lower case letters, digits and \'-\', at most 63 characters']],
  ['object-name', { ...job(), metadata: { generateName: 'train-' } as never }, { ...job(), metadata: { generateName: 'Train-' } as never },
    ['the name must be lower case letters, digits and \'-\', at most 63 characters']],
  ['object-name', { apiVersion: 'kind.x-k8s.io/v1alpha4', kind: 'Cluster', metadata: {} as never }, { apiVersion: 'apps/v1', kind: 'Deployment', metadata: {} as never, spec: {} },
    ['the name must be lower case letters, digits and \'-\', at most 253 characters']],
  ['labels', job(on({ 'accelerator/huawei-npu': 'x' }), labels({ 'app.kubernetes.io/name': '' })), job(on({ 'a/b/c': 'x' }), labels({ team: '-' })),
    [
      'label \'team: -\' of the object is not legal; keys and values have letters, digits, \'-\', \'_\' and \'.\', at most 63 characters',
      'label \'a/b/c: x\' of the node selector is not legal; keys and values have letters, digits, \'-\', \'_\' and \'.\', at most 63 characters',
    ]],
  ['labels', deployment(podLabels({ tier: 'a.b' })), deployment(podLabels({ tier: 'a b' })),
    ['label \'tier: a b\' of the pod is not legal; keys and values have letters, digits, \'-\', \'_\' and \'.\', at most 63 characters']],
  ['annotations', job(annotations({ 'corp.example/why': 'any text, even with spaces' })), job(annotations({ 'why not': 'x' }), { podMetadata: { annotations: { 'corp.example/': 'x' } } }),
    [
      'annotation key \'why not\' of the object is not legal; keys have letters, digits, \'-\', \'_\' and \'.\', at most 63 characters',
      'annotation key \'corp.example/\' of the pod is not legal; keys have letters, digits, \'-\', \'_\' and \'.\', at most 63 characters',
    ]],
  ['selector-matches-pods', deployment(podLabels({ extra: 'yes' })), deployment(podLabels({ app: 'other' })),
    ['the selector needs the pod label \'app: chat\', but the pod has \'other\'; do not set this label']],
  ['reference-names', job({ pod: { priorityClassName: 'high', volumes: [{ name: 'v', configMap: { name: 'files' } }] } }), job({ pod: { serviceAccountName: 'LLM', imagePullSecrets: [{ name: 'a b' }] } }),
    [
      'serviceAccountName must name an object by lower case letters, digits, \'-\' and \'.\', got \'LLM\'',
      'imagePullSecrets[0] must name an object by lower case letters, digits, \'-\' and \'.\', got \'a b\'',
    ]],
  ['reference-names', job(), job({ container: { env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'My Map', key: 'a' } } }] }, pod: { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'My_Claim' } }] } }),
    [
      'volume \'v\' must name an object by lower case letters, digits, \'-\' and \'.\', got \'My_Claim\'',
      'variable \'A\' must name an object by lower case letters, digits, \'-\' and \'.\', got \'My Map\'',
    ]],
  ['reference-keys',
    job({ container: { env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'keys', key: 'api.key_1' } } }] }, pod: { topologySpreadConstraints: [{ topologyKey: 'kubernetes.io/hostname' }] } }),
    job({ container: { env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'keys', key: '' } } }, { name: 'B', valueFrom: { configMapKeyRef: { name: 'keys', key: 'a b' } } }] }, pod: { topologySpreadConstraints: [{ topologyKey: 'a b' }] } }),
    [
      'topologyKey must be the key of a node\'s label, got \'a b\'',
      'variable \'A\' must name a key by letters, digits, \'-\', \'_\' and \'.\', got \'\'',
      'variable \'B\' must name a key by letters, digits, \'-\', \'_\' and \'.\', got \'a b\'',
    ]],
  ['ignore-annotation', job(annotations({ 'cdk8s-chatglm/ignore': 'image-pinned, surge-devices' })), job(annotations({ 'cdk8s-chatglm/ignore': 'image-pined' })),
    ['there is no rule \'image-pined\'']],
];
