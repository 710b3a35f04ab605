import { ACCELERATOR_LABELS, productsBy, RING_CONTROLLER, SCHEDULE_POLICIES, SCHEDULE_POLICY, schedulePolicyOf } from './ascend-chip';
import { podsBeside, SUPER_POD_BLOCK, wrongBlock, wrongCount } from './ascend-gang';
import { MIXED_INSERT } from './device-resources';
import { deviceCount, type ExaminedObject, type ExaminedPod, inDevicePods, isVolcano } from './examined-object';
import { fault, type Fault } from './fault';
import type { ObjectSet } from './object-set';
import type { Rule } from './rule';
import { groupKind, whole } from './workload-kind';

interface Autoscaler { readonly scaleTargetRef?: { readonly kind?: string; readonly name?: string }; readonly maxReplicas?: unknown; readonly maxReplicaCount?: unknown }

const ASCEND_910 = /^huawei\.com\/Ascend910$/;
const ACCELERATOR_TYPE = 'accelerator-type';

/** Counts that the scheduler refuses on a fully equipped 910A server (ascend-for-volcano ascend910old/module910x8/frame.go). */
const REFUSED_ON_910A = [3, 5, 6, 7];

function asksFor(pod: ExaminedPod, resource: RegExp): boolean {
  return pod.devices.some((device) => resource.test(device.resource));
}

/** Soft sharing counts percent of a chip by the name of the chip. */
function isShared(pod: ExaminedPod): boolean {
  return schedulePolicyOf(pod) === 'chip1-softShareDev';
}

/** Whether the scheduler counts whole 910 devices of the pod against what the server has. */
function isCounted(pod: ExaminedPod): boolean {
  return pod.devices.length > 0 && isVolcano(pod) && !isShared(pod) && asksFor(pod, ASCEND_910);
}

/** A count of devices that is right for a pod by itself and wrong beside others. */
function wrongBeside(pod: ExaminedPod, pods: number): string | undefined {
  return isCounted(pod) && wrongCount(pod, 1) === undefined ? wrongCount(pod, pods) : undefined;
}

/** An ended pod stays in the group of its Job, so the one that is to take its place counts as the second. */
function retryFaults(examined: ExaminedObject): Fault[] {
  const { backoffLimit = 6 } = (examined.object.spec ?? {}) as { backoffLimit?: number };
  return groupKind(examined.object) !== 'batch/Job' || backoffLimit === 0 ? [] : examined.pods.flatMap((pod) => {
    const complaint = podsBeside(pod, examined) > 1 ? undefined : wrongBeside(pod, 2);
    return complaint === undefined ? [] : [fault(`a failed pod stays beside the one that is to take its place, and ${complaint}`, ...pod.place, 'spec')];
  });
}

/** Replicas of a Deployment stand in one group, as many as its autoscaler makes of them; KEDA's default is 100. */
function autoscalerFaults({ object, namespace }: ExaminedObject, others: ObjectSet): Fault[] {
  const { scaleTargetRef: { kind = 'Deployment', name = '' } = {}, maxReplicas, maxReplicaCount } = (object.spec ?? {}) as Autoscaler;
  const most = whole(object.kind === 'ScaledObject' ? maxReplicaCount : maxReplicas, object.kind === 'ScaledObject' ? 100 : 1);
  return !['autoscaling/HorizontalPodAutoscaler', 'keda.sh/ScaledObject'].includes(groupKind(object)) || most < 2 ? [] : others.named(kind, namespace, name)
    .flatMap(({ pods }) => pods.flatMap((pod) => wrongBeside(pod, most) ?? []))
    .map((complaint) => fault(`it scales to ${String(most)} pods, and ${complaint}`, 'spec'));
}

/** Rules about how MindCluster's scheduler finds the kind of server. */
const PRODUCT_RULES: readonly Rule[] = [
  {
    id: 'device-count-of-node',
    severity: 'error',
    explanation: 'MindCluster\'s scheduler wants counts that fit the server which the schedule policy or the node label names: even ones on an A3 beside other pods with devices, whole servers in a super pod '
      + '(Ascend/mind-cluster@22bb3d98 ascend-for-volcano module910a3x16/frame.go, superpod/frame.go; 15_yaml_configuration.md). All replicas of a Deployment count as one job (plugin/job.go). '
      + 'On the 910A with eight chips it refuses 3, 5, 6 and 7 up to 7.3 and where no policy is given; from 26.0 on chip4-node8 takes them (policy/chip4nodex/job.go), though the vendor\'s page lists 1, 2, 4 and 8',
    fix: 'ask for one of the legal counts, or name the server that you have',
    check: inDevicePods((pod, examined) => {
      const complaint = isCounted(pod) ? wrongCount(pod, podsBeside(pod, examined)) : undefined;
      return complaint === undefined ? [] : [fault(complaint, 'spec')];
    }),
  },
  {
    id: 'device-count-beside-others',
    severity: 'warning',
    explanation: 'a count that only a pod by itself may have is refused as soon as there is a second pod in its group: another replica, or the retry of a Job whose failed pod is still there; it stays Pending '
      + '(Ascend/mind-cluster@22bb3d98 ascend-for-volcano plugin/job.go setNPUTaskNumInJob, module910a3x16/frame.go, superpod/frame.go)',
    fix: 'ask for a count that is legal beside others, or set backoffLimit: 0 or use a Volcano Job, and scale to 1 at most',
    comparesObjects: true,
    check: (examined, others) => [...retryFaults(examined), ...autoscalerFaults(examined, others)],
  },
  {
    id: 'device-count-910a',
    severity: 'error',
    explanation: 'with neither a schedule policy nor accelerator-type in the node selector the scheduler applies the rules of the 910A, which refuse 3, 5, 6 and 7 devices and more than 8 '
      + '(Ascend/mind-cluster@22bb3d98 ascend-for-volcano internal/npu/factory.go)',
    fix: `put the annotation ${SCHEDULE_POLICY} on the workload, for example chip8-node8 for a server with eight 910B`,
    check: inDevicePods((pod) => {
      const count = deviceCount(pod);
      return isUnnamed910(pod) && (REFUSED_ON_910A.includes(count) || count > 8)
        ? [fault(`the pod asks for ${String(count)} of huawei.com/Ascend910 and names no kind of server, so that the rules of the 910A refuse it`, 'spec')] : [];
    }),
  },
  {
    id: 'node-type-unnamed',
    severity: 'warning',
    explanation: 'with neither a schedule policy nor accelerator-type in the node selector the scheduler packs 910B devices by the rings of the 910A '
      + '(Ascend/mind-cluster@22bb3d98 ascend-for-volcano internal/npu/factory.go)',
    fix: `put the annotation ${SCHEDULE_POLICY} on the workload, for example chip8-node8 for a server with eight 910B`,
    check: inDevicePods((pod) => isUnnamed910(pod) && pod.metadata.labels?.[RING_CONTROLLER] === 'ascend-910b'
      ? [fault('the pod is for 910B and names no kind of server, so that it is placed by the rules of the 910A', 'spec')] : []),
  },
  {
    id: 'schedule-policy-known',
    severity: 'warning',
    explanation: 'MindCluster\'s scheduler knows a fixed list of schedule policies (Ascend/mind-cluster@22bb3d98 15_yaml_configuration.md)',
    fix: 'take the value of your server product from the list',
    check: (examined) => [...new Set([examined.object.metadata, ...examined.pods.map(({ metadata }) => metadata)])].flatMap(({ annotations = {} }, index) => {
      const policy = annotations[SCHEDULE_POLICY];
      const place = index === 0 ? [] : examined.pods[index - 1]!.place;
      return policy === undefined || SCHEDULE_POLICIES.includes(policy) ? []
        : [fault(`the schedule policy '${policy}' is none of ${SCHEDULE_POLICIES.join(', ')}`, ...place, 'metadata', 'annotations', SCHEDULE_POLICY)];
    }),
  },
  {
    id: 'schedule-policy-required',
    severity: 'error',
    explanation: 'for huawei.com/npu the scheduler knows the kind of server by its schedule policy alone (Ascend/mind-cluster@22bb3d98 ascend-for-volcano internal/npu/factory.go)',
    fix: `put the annotation ${SCHEDULE_POLICY} on the workload`,
    check: inDevicePods((pod) => isVolcano(pod) && asksFor(pod, /^huawei\.com\/npu$/) && schedulePolicyOf(pod) === undefined
      ? [fault(`the pod asks for huawei.com/npu without the annotation '${SCHEDULE_POLICY}'`, 'metadata')] : []),
  },
  {
    id: 'schedule-policy-node-label',
    severity: 'error',
    explanation: 'the schedule policy and the node label accelerator-type name different server products, so no node fits both (Ascend/mind-cluster@22bb3d98 15_yaml_configuration.md)',
    fix: 'name the product that you have in both, or leave the label out from MindCluster 26.1 on',
    check: inDevicePods((pod) => {
      const policy = schedulePolicyOf(pod);
      const label = pod.spec.nodeSelector?.[ACCELERATOR_TYPE];
      const byPolicy = productsBy('schedulePolicy', policy ?? '');
      const byLabel = productsBy('acceleratorType', label ?? '');
      return policy === undefined || label === undefined || byPolicy.length === 0 || byLabel.length === 0 || byLabel.some((product) => byPolicy.includes(product)) ? []
        : [fault(`the schedule policy '${policy}' is for ${nameThem(byPolicy)}, but accelerator-type '${label}' is for ${nameThem(byLabel)}`, 'spec', 'nodeSelector', ACCELERATOR_TYPE)];
    }),
  },
  {
    id: 'super-pod-block',
    severity: 'error',
    explanation: 'the annotation sp-block is the size of a logical super pod in devices: all of a single pod, else whole servers of the super pod (16 devices on an A3), and a divisor of what is placed together '
      + '(Ascend/mind-cluster@22bb3d98 ascend-for-volcano superpod/frame.go, 15_yaml_configuration.md)',
    fix: 'set sp-block to the devices of the whole job, or to a divisor of them that fills whole servers',
    check: (examined) => examined.pods.flatMap((pod) => pod.devices.length === 0 ? [] : wrongBlock(pod, examined)),
  },
];

/** Rules about labels that MindCluster reads. */
const LABEL_RULES: readonly Rule[] = [
  {
    id: 'accelerator-label',
    severity: 'error',
    explanation: 'nodes are labelled huawei-Ascend910, huawei-Ascend310P, huawei-Ascend310 or huawei-npu by the chip that they offer (Ascend/mind-cluster@22bb3d98 12_k8s.md)',
    fix: 'select the label of the chip whose resource the pod asks for',
    check: inDevicePods((pod) => {
      const label = pod.spec.nodeSelector?.accelerator;
      const ascend = pod.devices.filter(({ resource }) => resource.startsWith('huawei.com/') && !MIXED_INSERT.test(resource));
      if (label === undefined || ascend.length === 0 || ascend.some(({ resource }) => ACCELERATOR_LABELS[label]?.test(resource) === true)) {
        return [];
      }
      return [fault(`the node selector wants 'accelerator: ${label}', but no node of that label offers ${ascend.map(({ resource }) => resource).join(', ')}`, 'spec', 'nodeSelector', 'accelerator')];
    }),
  },
  {
    id: 'card-strategy',
    severity: 'error',
    explanation: 'npu-310-strategy is card or chip; card puts the devices of a pod on one card, which has two chips on a 300I Duo and four on a 300I '
      + '(Ascend/mind-cluster@22bb3d98 03_ascend_ai_processor_based_affinity.md)',
    fix: 'set npu-310-strategy: chip, or ask for fewer devices',
    check: inDevicePods((pod) => {
      const strategy = pod.metadata.labels?.['npu-310-strategy'];
      const onCard = pod.metadata.labels?.duo === 'true' ? 2 : asksFor(pod, /^huawei\.com\/Ascend310$/) ? 4 : Infinity;
      if (strategy === undefined || strategy === 'chip' || (strategy === 'card' && deviceCount(pod) <= onCard)) {
        return [];
      }
      return [fault(strategy === 'card' ? `the pod asks for ${String(deviceCount(pod))} devices on one card, which has ${String(onCard)}` : `npu-310-strategy must be 'card' or 'chip', got '${strategy}'`, 'metadata', 'labels', 'npu-310-strategy')];
    }),
  },
  {
    id: 'distributed-deployment',
    severity: 'error',
    explanation: 'distributed inference on 300I Duo cards is not possible in a Deployment (Ascend/mind-cluster@22bb3d98 03_ascend_ai_processor_based_affinity.md)',
    fix: 'use an AscendJob or a Volcano Job, or leave the label distributed out',
    check: inDevicePods((pod) => pod.object.kind === 'Deployment' && pod.metadata.labels?.distributed === 'true'
      ? [fault('the label \'distributed: true\' is on the pods of a Deployment', 'metadata', 'labels', 'distributed')] : []),
  },
  {
    id: 'fault-scheduling',
    severity: 'error',
    explanation: 'the label fault-scheduling says how MindCluster reschedules pods off broken devices; other values switch it off silently (Ascend/mind-cluster@22bb3d98 15_yaml_configuration.md)',
    fix: 'use grace, force, off, external-grace or external-force',
    check: ({ object }) => {
      const value = object.metadata.labels?.['fault-scheduling'];
      return value === undefined || /^((external-)?(grace|force)|off)$/.test(value) ? []
        : [fault(`the label fault-scheduling is '${value}'; it must be grace, force, off, external-grace or external-force`, 'metadata', 'labels', 'fault-scheduling')];
    },
  },
];

/** Rules about how MindCluster places pods. */
export const ASCEND_SCHEDULING_RULES: readonly Rule[] = [...PRODUCT_RULES, ...LABEL_RULES];

/** Whether Volcano places whole 910 devices by the rules of the 910A because nothing names the server. */
function isUnnamed910(pod: ExaminedPod): boolean {
  return isVolcano(pod) && asksFor(pod, ASCEND_910) && schedulePolicyOf(pod) === undefined
    && pod.spec.nodeSelector?.[ACCELERATOR_TYPE] === undefined && pod.metadata.annotations?.[SUPER_POD_BLOCK] === undefined && pod.object.metadata.annotations?.[SUPER_POD_BLOCK] === undefined;
}

function nameThem(products: readonly { readonly name: string }[]): string {
  return products.map(({ name }) => name).join(' or ');
}
