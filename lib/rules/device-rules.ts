import type { V1Container } from '@kubernetes/client-node';

import { containers, podTemplates } from './pod-template';
import type { Rule } from './rule';

/** Domains of the vendors' device resources. */
const DEVICE_RESOURCE = /^(huawei\.com|cambricon\.com|squat\.ai)\//;
/** Slices come as a trio: a device, its memory and its cores. */
const SLICE_SUFFIX = /(-memory|-core|\.smlu\.v(core|memory))$/;

type Quantities = Readonly<Record<string, number | string>>;

function devices(quantities: unknown): [string, number | string][] {
  return Object.entries((quantities ?? {}) as Quantities).filter(([name]) => DEVICE_RESOURCE.test(name));
}

function eachContainer(check: (container: V1Container) => string[]): Rule['check'] {
  return (object) => podTemplates(object).flatMap((template) => containers(template).flatMap(check));
}

/** Rules about device resources. */
export const DEVICE_RULES: readonly Rule[] = [
  {
    id: 'device-whole-number',
    explanation: 'the API server takes whole numbers from 1 of an extended resource',
    check: eachContainer((container) => devices(container.resources?.limits)
      .filter(([, count]) => !/^[1-9]\d*$/.test(String(count)))
      .map(([name, count]) => `container '${container.name}' asks for ${String(count)} of ${name}; a device count is a whole number from 1`)),
  },
  {
    id: 'device-requests-equal-limits',
    explanation: 'devices cannot be overcommitted, so requests and limits must be equal',
    check: eachContainer(({ name, resources }) => {
      const limits = new Map(devices(resources?.limits));
      return devices(resources?.requests)
        .filter(([resource, count]) => String(limits.get(resource)) !== String(count))
        .map(([resource, count]) => `container '${name}' requests ${String(count)} of ${resource} with a limit of ${String(limits.get(resource) ?? 'none')}; both must be equal`);
    }),
  },
  {
    id: 'one-device-resource',
    explanation: 'device plugins refuse containers that ask for two kinds of devices',
    check: eachContainer((container) => {
      const kinds = devices(container.resources?.limits).map(([name]) => name).filter((name) => !SLICE_SUFFIX.test(name));
      return kinds.length > 1 ? [`container '${container.name}' asks for ${kinds.join(' and ')}; only one kind of device is possible in a container`] : [];
    }),
  },
  {
    id: 'virtual-device-single',
    explanation: 'a static virtual device cannot be combined with another one',
    check: eachContainer((container) => devices(container.resources?.limits)
      .filter(([name, count]) => /^huawei\.com\/Ascend(910|310P)-\d+c/.test(name) && String(count) !== '1')
      .map(([name, count]) => `container '${container.name}' asks for ${String(count)} of the virtual device ${name}; it must be 1`)),
  },
  {
    id: 'visible-devices-annotation',
    explanation: 'ASCEND_VISIBLE_DEVICES comes from an annotation named like the requested resource; another key leaves it empty, which means no device',
    check: eachContainer((container) => {
      const fieldPath = container.env?.find(({ name }) => name === 'ASCEND_VISIBLE_DEVICES')?.valueFrom?.fieldRef?.fieldPath;
      const key = /^metadata\.annotations\['(.*)'\]$/.exec(fieldPath ?? '')?.[1];
      const requested = devices(container.resources?.limits).map(([name]) => name);
      return key === undefined || requested.includes(key) ? []
        : [`container '${container.name}' reads its devices from the annotation '${key}' but asks for ${requested.join(', ') || 'no device'}; both must be equal`];
    }),
  },
];
