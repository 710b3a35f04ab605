import type { V1EnvVar } from '@kubernetes/client-node';

import { VIRTUAL_ASCEND } from './device-resources';
import { deviceCount, type ExaminedContainer, inContainers, inDeviceContainers, inDevicePods, isVolcano } from './examined-object';
import { fault, type Fault } from './fault';
import type { Rule } from './rule';

/** Device nodes of the three vendors. */
const DEVICE_NODE = /^\/dev\/(davinci(\d|_manager)|devmm_svm|hisi_hdc|cambricon_|bm-sophon|bm-tpu|bmdev-ctl)/;

function variable({ container }: ExaminedContainer, name: string): { entry: V1EnvVar; index: number } | undefined {
  const index = (container.env ?? []).findIndex((entry) => entry.name === name);
  return index < 0 ? undefined : { entry: container.env![index]!, index };
}

/** The annotation that `ASCEND_VISIBLE_DEVICES` is read from. */
function annotationOfDevices(container: ExaminedContainer): { key: string; index: number } | undefined {
  const found = variable(container, 'ASCEND_VISIBLE_DEVICES');
  const key = /^metadata\.annotations\['(.*)'\]$/.exec(found?.entry.valueFrom?.fieldRef?.fieldPath ?? '')?.[1];
  return found === undefined || key === undefined ? undefined : { key, index: found.index };
}

/** Device numbers in a plain value. */
function listed(container: ExaminedContainer, name: string): { ids: string[]; index: number } | undefined {
  const found = variable(container, name);
  const value = found?.entry.value ?? '';
  return found === undefined || !/^\d[\d, -]*$/.test(value) ? undefined : { ids: value.split(',').filter((id) => id.trim() !== ''), index: found.index };
}

function atVariable(message: string, index: number): Fault[] {
  return [fault(message, 'env', index)];
}

/** Rules about which devices a container sees. */
export const VISIBLE_DEVICES_RULES: readonly Rule[] = [
  {
    id: 'visible-devices-annotation',
    severity: 'error',
    explanation: 'ASCEND_VISIBLE_DEVICES comes from an annotation named like the requested resource; another key leaves it empty, which means no device (Ascend/mind-cluster@22bb3d98 15_yaml_configuration.md)',
    fix: 'read the annotation of the resource that the container asks for',
    check: inContainers((container) => {
      const found = annotationOfDevices(container);
      const requested = container.devices.map(({ resource }) => resource);
      return found === undefined || requested.includes(found.key) || requested.some((resource) => VIRTUAL_ASCEND.test(resource)) ? []
        : atVariable(`container '${container.container.name}' reads its devices from the annotation '${found.key}' but asks for ${requested.join(', ') || 'no device'}; both must be equal`, found.index);
    }),
  },
  {
    id: 'visible-devices-scheduler',
    severity: 'error',
    explanation: 'only Volcano writes the devices of a pod into an annotation; without it ASCEND_VISIBLE_DEVICES is empty, which Ascend Docker Runtime reads as no device '
      + '(Ascend/mind-cluster@22bb3d98 02_usage_on_the_docker_client.md)',
    fix: 'set schedulerName: volcano, or leave ASCEND_VISIBLE_DEVICES out: the device plugin sets it',
    check: inContainers((container, pod) => {
      const found = annotationOfDevices(container);
      return found === undefined || isVolcano(pod) ? []
        : atVariable(`container '${container.container.name}' reads its devices from an annotation that Volcano writes, but ${pod.scheduler ?? 'the default scheduler'} places the pod`, found.index);
    }),
  },
  {
    id: 'visible-devices-virtual',
    severity: 'error',
    explanation: 'with a static virtual device the annotation names none that Ascend Docker Runtime could mount (Ascend/mind-cluster@22bb3d98 02_mounting_vnpu_static.md)',
    fix: 'leave ASCEND_VISIBLE_DEVICES out',
    check: inContainers((container) => {
      const found = annotationOfDevices(container);
      const virtual = container.devices.find(({ resource }) => VIRTUAL_ASCEND.test(resource));
      return found === undefined || virtual === undefined ? []
        : atVariable(`container '${container.container.name}' asks for the virtual device ${virtual.resource} and reads ASCEND_VISIBLE_DEVICES from an annotation`, found.index);
    }),
  },
  {
    id: 'visible-devices-uncounted',
    severity: 'warning',
    explanation: 'devices that a variable names are mounted by the container runtime, but Kubernetes does not count them, so it gives them to other pods as well',
    fix: 'ask for the devices in resources.limits and leave the variable to the device plugin',
    check: inContainers((container) => ['ASCEND_VISIBLE_DEVICES', 'CAMBRICON_VISIBLE_DEVICES'].flatMap((name) => {
      const found = listed(container, name);
      return found === undefined ? [] : atVariable(`container '${container.container.name}' takes devices by ${name}=${found.ids.join(',')}, past the device plugin`, found.index);
    })),
  },
  {
    id: 'visible-devices-count',
    severity: 'error',
    explanation: 'the variable picks among the devices of the container and cannot add to them',
    fix: 'ask for as many devices as the variable lists, or leave it out',
    check: inDeviceContainers((container) => ['ASCEND_RT_VISIBLE_DEVICES', 'MLU_VISIBLE_DEVICES'].flatMap((name) => {
      const found = listed(container, name);
      const has = deviceCount(container);
      return found === undefined || found.ids.length <= has ? []
        : atVariable(`container '${container.container.name}' lists ${String(found.ids.length)} devices in ${name} but asks for ${String(has)}`, found.index);
    })),
  },
  {
    id: 'device-host-path',
    severity: 'warning',
    explanation: 'device nodes by hostPath are counted by nobody: two pods can get the same ones, and it takes a privileged container to use them',
    fix: 'run the vendor\'s device plugin, or generic-device-plugin, and ask for its resource',
    check: ({ pods }) => pods.flatMap(({ place, spec: { volumes = [] } }) => volumes
      .flatMap(({ name, hostPath }, index) => hostPath === undefined || !DEVICE_NODE.test(hostPath.path) ? []
        : [fault(`volume '${name}' is the device ${hostPath.path} of the node, which Kubernetes does not count`, ...place, 'spec', 'volumes', index)])),
  },
  {
    id: 'privileged-devices',
    severity: 'warning',
    explanation: 'a privileged container sees all devices of its node, so that the ones it asked for mean nothing to the processes in it',
    fix: 'leave privileged out: the device plugin passes what the container needs',
    check: inDeviceContainers(({ container }) => container.securityContext?.privileged === true
      ? [fault(`container '${container.name}' asks for devices and is privileged`, 'securityContext', 'privileged')] : []),
  },
  {
    id: 'device-node-name',
    severity: 'warning',
    explanation: 'nodeName goes past the scheduler: the kubelet refuses the pod when its devices are taken (UnexpectedAdmissionError), and Volcano writes no annotation with them',
    fix: 'choose the node by nodeSelector, for example kubernetes.io/hostname',
    check: inDevicePods(({ spec }) => spec.nodeName === undefined ? [] : [fault(`the pod asks for devices and is put on the node '${spec.nodeName}' past the scheduler`, 'spec', 'nodeName')]),
  },
];
