import { deviceRequests, devicesOf, DYNAMIC_ASCEND, isHamiOnly, isKnown, isOfMindCluster, isPartOfDevice, MIXED_INSERT, VIRTUAL_ASCEND } from './device-resources';
import { type ExaminedContainer, type ExaminedPod, inContainers, inDeviceContainers, isVolcano } from './examined-object';
import { fault, type Fault, quoted } from './fault';
import type { Rule } from './rule';
import { groupKind } from './workload-kind';

/** The annotation by which HAMi limits memory and cores in software. */
const SOFT_SLICING = 'huawei.com/vnpu-mode: hami-core';
/** Kinds of another API whose pod templates are read as they were written. */
const READ_BEFORE_DEFAULTS = new Set(['mindxdl.gitee.com/AscendJob', 'batch.volcano.sh/Job']);

function isSoftSliced({ metadata }: ExaminedPod): boolean {
  return metadata.annotations?.['huawei.com/vnpu-mode'] === 'hami-core';
}

/** A fault of every device request that a condition is true of; the message goes on after the container's name. */
function eachDevice({ container, devices }: ExaminedContainer, isWrong: (resource: string, count: number) => boolean, complaint: (resource: string, count: number) => string): Fault[] {
  return devices.filter(({ resource, count }) => isWrong(resource, count))
    .map(({ resource, count }) => fault(`container '${container.name}' ${complaint(resource, count)}`, 'resources', container.resources?.limits?.[resource] === undefined ? 'requests' : 'limits', resource));
}

/** Rules about requests of devices, whoever made them. */
const REQUEST_RULES: readonly Rule[] = [
  {
    id: 'device-whole-number',
    severity: 'error',
    explanation: 'the API server takes whole numbers from 1 of an extended resource',
    fix: 'ask for whole devices, or for a slice by the resource name that the device plugin has for it',
    check: inContainers(({ container }) => deviceRequests(container.resources?.limits)
      .filter(({ quantity }) => !/^[1-9]\d*$/.test(String(quantity)))
      .map(({ resource, quantity }) => fault(`container '${container.name}' asks for ${String(quantity)} of ${resource}; a device count is a whole number from 1`, 'resources', 'limits', resource))),
  },
  {
    id: 'device-requests-equal-limits',
    severity: 'error',
    explanation: 'devices cannot be overcommitted, so requests and limits must be equal',
    fix: 'give the same count in both; limits alone do where the API server fills requests in, as it does for pods and what Kubernetes itself makes of them',
    check: inContainers(({ container: { name, resources } }) => {
      const limits = new Map(deviceRequests(resources?.limits).map(({ resource, quantity }) => [resource, quantity]));
      return deviceRequests(resources?.requests)
        .filter(({ resource, quantity }) => String(limits.get(resource)) !== String(quantity))
        .map(({ resource, quantity }) => fault(
          `container '${name}' requests ${String(quantity)} of ${resource} with a limit of ${String(limits.get(resource) ?? 'none')}; both must be equal`, 'resources', 'requests', resource,
        ));
    }),
  },
  {
    id: 'device-requests-missing',
    severity: 'error',
    explanation: 'what an AscendJob and a Volcano Job ask for is read before the API server copies limits into requests: an AscendJob gets no ranks and no addresses, and a Volcano Job is placed without devices '
      + '(Ascend/mind-cluster@22bb3d98 ascend-operator controllers/v1/utils.go, ascend-for-volcano plugin/job.go; volcano-sh/volcano@ed72c7c8 pkg/controllers/util/util.go)',
    fix: 'give the same count in requests',
    check: inContainers(({ container: { name, resources } }, { object }) => !READ_BEFORE_DEFAULTS.has(groupKind(object)) ? [] : deviceRequests(resources?.limits)
      .filter(({ resource }) => isOfMindCluster(resource) && resources?.requests?.[resource] === undefined)
      .map(({ resource, quantity }) => fault(
        `container '${name}' has ${String(quantity)} of ${resource} in limits and none in requests, so the ${object.kind} counts as one without devices`, 'resources', 'limits', resource,
      ))),
  },
  {
    id: 'one-device-resource',
    severity: 'error',
    explanation: 'device plugins refuse containers that ask for two kinds of devices',
    fix: 'give each kind of device a container, or better a pod, of its own',
    check: inContainers(({ container }) => {
      const kinds = devicesOf(container).map(({ resource }) => resource);
      return kinds.length > 1 && !kinds.every((kind) => kind.startsWith('smarter-devices/'))
        ? [fault(`container '${container.name}' asks for ${kinds.join(' and ')}; only one kind of device is possible in a container`, 'resources', 'limits')] : [];
    }),
  },
  {
    id: 'device-resource-known',
    severity: 'warning',
    explanation: 'no device plugin that is known offers a resource of this name, so the pod stays Pending; a frequent case is huawei.com/Ascend910B, which MindCluster calls huawei.com/Ascend910 and HAMi by its '
      + 'model (Ascend/mind-cluster@22bb3d98 default_name.go; Project-HAMi/HAMi@4707fb02 device-configmap.yaml)',
    fix: 'take the name from `kubectl describe node`, under Allocatable',
    check: inDeviceContainers((container) => eachDevice(container, (resource) => !isKnown(resource), (resource) => `asks for ${resource}, which no known device plugin offers`)),
  },
  {
    id: 'virtual-device-single',
    severity: 'error',
    explanation: 'a static virtual device cannot be combined with another one (Ascend/mind-cluster@22bb3d98 02_mounting_vnpu_static.md)',
    fix: 'ask for 1, of a larger template if one is not enough',
    check: inDeviceContainers((container) => eachDevice(container, (resource, count) => VIRTUAL_ASCEND.test(resource) && count !== 1,
      (resource, count) => `asks for ${String(count)} of the virtual device ${resource}; it must be 1`)),
  },
];

/** Rules about the modes of device plugins. */
const MODE_RULES: readonly Rule[] = [
  {
    id: 'dynamic-virtual-device-scheduler',
    severity: 'error',
    explanation: 'only Volcano can cut a virtual device out of a chip when the pod is placed (Ascend/mindcluster-deploy@7d97fe34 infer-deploy-dynamic.yaml)',
    fix: 'set schedulerName: volcano, or ask for a static virtual device',
    check: inDeviceContainers((container, pod) => isVolcano(pod) ? [] : eachDevice(container, (resource) => resource === DYNAMIC_ASCEND,
      (resource) => `asks for ${resource}, which only Volcano hands out, but ${pod.scheduler ?? 'the default scheduler'} places the pod`)),
  },
  {
    id: 'mixed-insert-scheduler',
    severity: 'error',
    explanation: 'MindCluster\'s mixed-insert mode, which has a resource name for each kind of 310P card, does not work with Volcano (Ascend/mind-cluster@22bb3d98 04_ascend_device_plugin.md)',
    fix: 'leave schedulerName out',
    check: inDeviceContainers((container, pod) => !isVolcano(pod) ? [] : eachDevice(container, (resource) => MIXED_INSERT.test(resource),
      (resource) => `asks for ${resource} of the mixed-insert mode, which Volcano cannot place`)),
  },
  {
    id: 'hami-runtime-class',
    severity: 'warning',
    explanation: 'HAMi\'s device plugin for Ascend passes devices through the container runtime of the RuntimeClass ascend (Project-HAMi/ascend-device-plugin@ed35e1c4 docs/hami.md); '
      + 'HAMi itself puts it on pods only where its chart says so, which is not the default (Project-HAMi/HAMi@4707fb02 pkg/device/ascend/device.go, values devices.ascend.runtimeClassName)',
    fix: 'set runtimeClassName: ascend, or ignore this where HAMi sets it',
    check: inDeviceContainers((container, pod) => pod.spec.runtimeClassName === 'ascend' ? [] : eachDevice(container, isHamiOnly,
      (resource) => `asks HAMi for ${resource}, but the runtimeClassName of the pod is ${quoted(pod.spec.runtimeClassName)}; it must be 'ascend'`)),
  },
  {
    id: 'hami-core-mode',
    severity: 'error',
    explanation: 'HAMi refuses a share of the cores without its soft slicing (Project-HAMi/ascend-device-plugin@ed35e1c4 docs/hami.md)',
    fix: `put the annotation ${SOFT_SLICING} on the pod`,
    check: inContainers(({ container: { name, resources } }, pod) => isSoftSliced(pod) ? [] : deviceRequests(resources?.limits)
      .filter(({ resource }) => /^huawei\.com\/Ascend.*-core$/.test(resource))
      .map(({ resource }) => fault(`container '${name}' asks for ${resource}, but the pod has no annotation '${SOFT_SLICING}'`, 'resources', 'limits', resource))),
  },
  {
    id: 'hami-slice-single',
    severity: 'error',
    explanation: 'HAMi refuses slices of several devices without its soft slicing, unless it rounds the memory up to a whole one (Project-HAMi/HAMi@4707fb02 pkg/device/ascend/device.go MutateAdmission)',
    fix: 'ask for one device with its -memory, for several without, or put the annotation huawei.com/vnpu-mode: hami-core on the pod',
    check: inDeviceContainers((container, pod) => isSoftSliced(pod) ? [] : eachDevice(container,
      (resource, count) => count > 1 && isPartOfDevice(resource, container.container.resources?.limits?.[`${resource}-memory`]),
      (resource, count) => `asks for ${String(count)} of ${resource} and for ${resource}-memory; HAMi slices several devices only with the annotation '${SOFT_SLICING}' on the pod`)),
  },
  {
    id: 'cambricon-device-type',
    severity: 'warning',
    explanation: 'the manifests that Cambricon ships let the device plugin name its devices by their type, so nodes offer cambricon.com/mlu370 and no cambricon.com/mlu '
      + '(Cambricon/cambricon-k8s-device-plugin@3c9ed24d device-plugin/examples)',
    fix: 'ask for the name with the type, or ignore this where the plugin runs without --enable-device-type',
    check: inDeviceContainers((container) => eachDevice(container, (resource) => /^cambricon\.com\/mlu(\.(share|mim-.*))?$/.test(resource),
      (resource) => `asks for ${resource}, which names no type of card`)),
  },
  {
    id: 'cambricon-dynamic-slice',
    severity: 'warning',
    explanation: 'a dynamic slice of an MLU needs annotations that HAMi\'s scheduler writes; the scheduler of Kubernetes cannot place it (Cambricon/cambricon-k8s-device-plugin@3c9ed24d podutils.go)',
    fix: 'ask HAMi for cambricon.com/vmlu too, or use the modes share and mim',
    check: inContainers(({ container: { name, resources } }) => {
      const [slice] = deviceRequests(resources?.limits).filter(({ resource }) => resource.includes('.smlu.'));
      return slice === undefined || resources?.limits?.['cambricon.com/vmlu'] !== undefined ? []
        : [fault(`container '${name}' asks for ${slice.resource} without cambricon.com/vmlu`, 'resources', 'limits', slice.resource)];
    }),
  },
  {
    id: 'sophon-units',
    severity: 'warning',
    explanation: 'generic-device-plugin numbers the chips of every unit from /dev/bm-sophon0, so the chips of two units collide in one container (squat/generic-device-plugin@179b1fee README)',
    fix: 'configure a resource whose groups hold as many chips as a pod needs, and ask for 1 of it',
    check: inDeviceContainers((container) => eachDevice(container, (resource, count) => count > 1 && /^squat\.ai\/.*(bm16|sophon|tpu)/.test(resource),
      (resource, count) => `asks for ${String(count)} units of ${resource}; their chips have the same names`)),
  },
];

/** Rules about device resources. */
export const DEVICE_RULES: readonly Rule[] = [...REQUEST_RULES, ...MODE_RULES];
