import * as fc from 'fast-check';

import { compose } from '../../../lib/pods/compose';
import type { PodFragment, PodLayers } from '../../../lib/pods/pod-fragment';
import { deepFreeze } from '../../support/deep-freeze';
import { composeLayers } from '../../support/layers';
import { thrownBy } from '../../support/thrown';

const LAYERS = ['runtime', 'devicePlugin', 'preset', 'platform', 'props'] as const;
const REMEDY = 'remove one of them, or set it in the workload\'s own props, which win over both';

/** An equal value that is not the same object. */
function copy<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

test('the least pod has the fields that are always rendered, and no other', () => {
  expect(composeLayers({})).toEqual({
    labels: {}, annotations: {}, objectLabels: {}, objectAnnotations: {}, scripts: [], files: [],
    spec: {
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      containers: [{ name: 'main', image: 'example.com/image:1', imagePullPolicy: 'IfNotPresent', resources: {}, terminationMessagePolicy: 'FallbackToLogsOnError' }],
    },
  });
});

test.each<[string, Partial<PodFragment>]>([['no fragment', {}], ['an image alone', { image: 'example.com/image:1' }], ['a name alone', { containerName: 'main' }]])('%s makes no container', (_, wish) => {
  const none = { devicePlugin: [], preset: [], platform: [], props: [] };

  expect(thrownBy(() => compose({ runtime: [{ source: 'a', ...wish }], ...none }))).toBe('a pod needs an image and a container name, but no fragment gives them');
});

describe('disagreement inside a layer names both sources', () => {
  const cases: [string, Partial<PodFragment>, Partial<PodFragment>, string][] = [
    ['env', { env: [{ name: 'HCCL_BUFFSIZE', value: '110' }] }, { env: [{ name: 'HCCL_BUFFSIZE', value: '200' }] },
      'environment variable \'HCCL_BUFFSIZE\' is 110 from a but 200 from b'],
    ['labels', { labels: { team: 'x' } }, { labels: { team: 'y' } }, 'pod label \'team\' is x from a but y from b'],
    ['annotations', { annotations: { why: 'x' } }, { annotations: { why: 'y' } }, 'pod annotation \'why\' is x from a but y from b'],
    ['objectLabels', { objectLabels: { team: 'x' } }, { objectLabels: { team: 'y' } }, 'label \'team\' is x from a but y from b'],
    ['objectAnnotations', { objectAnnotations: { why: 'x' } }, { objectAnnotations: { why: 'y' } }, 'annotation \'why\' is x from a but y from b'],
    ['nodeSelector', { nodeSelector: { zone: 'x' } }, { nodeSelector: { zone: 'y' } }, 'node selector \'zone\' is x from a but y from b'],
    ['devices', { devices: { 'huawei.com/Ascend910': 1 } }, { devices: { 'huawei.com/Ascend910': 2 } }, 'device resource \'huawei.com/Ascend910\' is 1 from a but 2 from b'],
    ['requests', { requests: { cpu: '1' } }, { requests: { cpu: '2' } }, 'resource request \'cpu\' is 1 from a but 2 from b'],
    ['limits', { limits: { memory: '1Gi' } }, { limits: { memory: '2Gi' } }, 'resource limit \'memory\' is 1Gi from a but 2Gi from b'],
    ['scalar', { schedulerName: 'volcano' }, { schedulerName: 'kube' }, 'pod field \'schedulerName\' is volcano from a but kube from b'],
    ['command', { command: ['x'] }, { command: ['y', 'z'] }, 'pod field \'command\' is ["x"] from a but ["y","z"] from b'],
    ['affinity', { affinity: { nodeAffinity: {} } }, { affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [] } } },
      'affinity \'nodeAffinity\' is {} from a but {"preferredDuringSchedulingIgnoredDuringExecution":[]} from b'],
    ['volumes', { volumes: [{ name: 'v', emptyDir: {} }] }, { volumes: [{ name: 'v', hostPath: { path: '/v' } }] },
      'volume \'v\' is {"name":"v","emptyDir":{}} from a but {"name":"v","hostPath":{"path":"/v"}} from b'],
    ['mounts', { mounts: [{ name: 'v', mountPath: '/v' }] }, { mounts: [{ name: 'w', mountPath: '/v' }] },
      'mount \'/v\' is {"name":"v","mountPath":"/v"} from a but {"name":"w","mountPath":"/v"} from b'],
    ['initContainers', { initContainers: [{ name: 'i', image: 'x:1' }] }, { initContainers: [{ name: 'i', image: 'x:2' }] },
      'init container \'i\' is {"name":"i","image":"x:1"} from a but {"name":"i","image":"x:2"} from b'],
    ['ports', { ports: [{ name: 'http', containerPort: 1 }] }, { ports: [{ name: 'http', containerPort: 2 }] },
      'port \'http\' is {"name":"http","containerPort":1} from a but {"name":"http","containerPort":2} from b'],
    ['probes', { probes: { liveness: { periodSeconds: 1 } } }, { probes: { liveness: { periodSeconds: 2 } } },
      'probe \'liveness\' is {"periodSeconds":1} from a but {"periodSeconds":2} from b'],
    ['securityContext', { securityContext: { privileged: true } }, { securityContext: { privileged: false } }, 'security context \'privileged\' is true from a but false from b'],
    ['podSecurityContext', { podSecurityContext: { runAsUser: 1 } }, { podSecurityContext: { runAsUser: 2 } }, 'pod security context \'runAsUser\' is 1 from a but 2 from b'],
    ['files', { files: [{ path: '/etc/f', text: 'x' }] }, { files: [{ path: '/etc/f', text: 'y' }] },
      'file \'/etc/f\' is {"path":"/etc/f","text":"x"} from a but {"path":"/etc/f","text":"y"} from b'],
  ];

  test.each(cases)('%s', (_, a, b, message) => {
    const layers = { preset: [{ source: 'a', ...a }, { source: 'b', ...b }] };

    expect(thrownBy(() => composeLayers(layers))).toBe(`${message}; ${REMEDY}`);
  });

  test.each(cases)('%s agreed upon is none', (_, a) => {
    const once = composeLayers({ preset: [{ source: 'a', ...a }] });

    expect(composeLayers({ preset: [{ source: 'a', ...a }, { source: 'b', ...copy(a) }] })).toEqual(once);
  });

  test.each(cases)('%s across layers is none: the later layer wins', (_, a, b) => {
    // Image and name of the container are the test's own; a scalar of the runtime layer may be one of these.
    const alone = composeLayers({ platform: [{ source: 'b', ...b }] });

    expect(composeLayers({ preset: [{ source: 'a', ...a }], platform: [{ source: 'b', ...b }] })).toEqual(alone);
  });
});

/** Keys whose value is the same in every fragment, so that no order can make them disagree. */
const key = fc.stringMatching(/^[a-z]{1,3}$/);
const agreed = fc.uniqueArray(key, { maxLength: 6 }).map((keys) => Object.fromEntries(keys.map((name) => [name, `value of ${name}`])));
const fragment: fc.Arbitrary<PodFragment> = fc.record({ source: fc.string(), labels: agreed, annotations: agreed, nodeSelector: agreed, variables: agreed, requests: agreed })
  .map(({ variables, ...rest }) => ({ ...rest, env: Object.entries(variables).map(([name, value]) => ({ name, value })) }));

function comparable(pod: ReturnType<typeof composeLayers>): object {
  const [container] = pod.spec.containers;
  return {
    ...pod, spec: { ...pod.spec, containers: [{ ...container, env: [...container?.env ?? []].sort((a, b) => a.name < b.name ? -1 : 1) }] },
  };
}

test('the order of fragments inside a layer does not matter', () => {
  fc.assert(fc.property(fc.array(fragment, { maxLength: 5 }).chain((fragments) => fc.tuple(fc.constant(fragments), fc.shuffledSubarray(fragments, { minLength: fragments.length }))), fc.constantFrom(...LAYERS), ([fragments, shuffled], layer) => {
    expect(comparable(composeLayers({ [layer]: shuffled }))).toEqual(comparable(composeLayers({ [layer]: fragments })));
  }));
});

test('the last layer that gives a value wins', () => {
  const wishes = fc.array(fc.option(fc.stringMatching(/^[a-z]{1,3}$/), { nil: undefined }), { minLength: 5, maxLength: 5 });

  fc.assert(fc.property(wishes, (values) => {
    const layers: Partial<PodLayers> = Object.fromEntries(LAYERS.map((layer, index) => {
      const value = values[index];
      const wish: PodFragment[] = value === undefined ? [] : [{
        source: layer, labels: { key: value }, env: [{ name: 'KEY', value }], requests: { cpu: value }, priorityClassName: value, securityContext: { procMount: value },
      }];
      return [layer, wish];
    }));
    const expected = values.filter((value) => value !== undefined).at(-1);

    const { labels, spec } = composeLayers(layers);

    expect(labels.key).toBe(expected);
    expect(spec.priorityClassName).toBe(expected);
    expect(spec.containers[0]?.env?.[0]?.value).toBe(expected);
    expect(spec.containers[0]?.resources?.requests?.cpu).toBe(expected);
    expect(spec.containers[0]?.securityContext?.procMount).toBe(expected);
  }));
});

test('fragments are never changed', () => {
  fc.assert(fc.property(fc.array(fragment, { maxLength: 3 }), fc.array(fragment, { maxLength: 3 }), (runtime, props) => {
    const before = JSON.stringify([runtime, props]);

    composeLayers(deepFreeze({ runtime, props }));

    expect(JSON.stringify([runtime, props])).toBe(before);
  }));
});

test('an overridden variable keeps its place', () => {
  const env = (...names: string[]) => names.map((name) => ({ name, value: 'old' }));

  const { spec } = composeLayers({ runtime: [{ source: 'a', env: env('A', 'B', 'C') }], props: [{ source: 'b', env: [{ name: 'B', value: 'new' }] }] });

  expect(spec.containers[0]?.env).toEqual([{ name: 'A', value: 'old' }, { name: 'B', value: 'new' }, { name: 'C', value: 'old' }]);
});

test('a variable from a Secret is replaced as a whole by a literal one', () => {
  const { spec } = composeLayers({
    runtime: [{ source: 'a', env: [{ name: 'TOKEN', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }] }],
    props: [{ source: 'b', env: [{ name: 'TOKEN', value: '' }] }],
  });

  expect(spec.containers[0]?.env).toEqual([{ name: 'TOKEN', value: '' }]);
});

test('devices stand in requests and limits, other requests have no limit', () => {
  const { spec } = composeLayers({ runtime: [{ source: 'a', requests: { cpu: '8', memory: '64Gi' } }], devicePlugin: [{ source: 'b', devices: { 'huawei.com/Ascend910': 8 } }] });

  expect(spec.containers[0]?.resources).toEqual({
    requests: { cpu: '8', memory: '64Gi', 'huawei.com/Ascend910': 8 }, limits: { 'huawei.com/Ascend910': 8 },
  });
});

test('parts of affinity from different concerns are joined', () => {
  const podAntiAffinity = { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'kubernetes.io/hostname' }] };
  const nodeAffinity = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] } };

  const { spec } = composeLayers({ runtime: [{ source: 'kind', affinity: { podAntiAffinity } }], devicePlugin: [{ source: 'CCE', affinity: { nodeAffinity } }] });

  expect(spec.affinity).toEqual({ podAntiAffinity, nodeAffinity });
});

test('tolerations, pull secrets and spread constraints of all layers add up, equal ones once', () => {
  const toleration = { key: 'npu', operator: 'Exists' };
  const constraint = { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule' };
  const wish = { tolerations: [toleration], imagePullSecrets: [{ name: 'pull' }], topologySpreadConstraints: [constraint] };

  const { spec } = composeLayers({ platform: [{ source: 'a', ...wish }], props: [{ source: 'b', ...copy(wish), tolerations: [toleration, { ...toleration, key: 'other' }] }] });

  expect(spec.tolerations).toEqual([toleration, { ...toleration, key: 'other' }]);
  expect(spec.imagePullSecrets).toEqual([{ name: 'pull' }]);
  expect(spec.topologySpreadConstraints).toEqual([constraint]);
});

test('script names are sorted and stand once, files are told by path', () => {
  const { scripts, files } = composeLayers({
    runtime: [{ source: 'a', scripts: ['serve_model', 'launch'], files: [{ path: '/b', text: '1' }] }], platform: [{ source: 'b', scripts: ['launch'], files: [{ path: '/a', text: '2' }] }],
  });

  expect(scripts).toEqual(['launch', 'serve_model']);
  expect(files).toEqual([{ path: '/b', text: '1' }, { path: '/a', text: '2' }]);
});

test('a service account token is mounted only where a fragment asks for it', () => {
  expect(composeLayers({ props: [{ source: 'a', automountServiceAccountToken: true }] }).spec.automountServiceAccountToken).toBe(true);
});
