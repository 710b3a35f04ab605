import { productsOf, schedulePolicyOf } from './ascend-chip';
import { deviceCount, type ExaminedObject, type ExaminedPod } from './examined-object';
import { fault, type Fault } from './fault';
import { groupKind, whole } from './workload-kind';

/** Kinds whose pods Volcano puts into one pod group: a job's, or those with one controller (volcano-sh/volcano@ed72c7c8 GeneratePodgroupName). */
const GROUPED = new Set([
  'batch.volcano.sh/Job', 'mindxdl.gitee.com/AscendJob', 'kubeflow.org/PyTorchJob', 'kubeflow.org/MPIJob', 'kubeflow.org/TFJob',
  'apps/Deployment', 'apps/ReplicaSet', 'apps/StatefulSet', 'batch/Job',
]);
/** Jobs that the vendor's page lists counts for; the scheduler's code holds other groups to more than it holds single pods to on A3 alone. */
const JOBS = new Set(['batch.volcano.sh/Job', 'mindxdl.gitee.com/AscendJob']);
/** MindCluster's annotation for how many replicas are placed together; without it all are (Ascend/mind-cluster@22bb3d98 ascend-for-volcano plugin/job.go initByJobInfo). */
const MIN_AVAILABLE = 'huawei.com/schedule_minAvailable';
/** The annotation for the size of a logical super pod. */
export const SUPER_POD_BLOCK = 'sp-block';

/**
 * How many pods with devices MindCluster's scheduler sees in the pod group of a pod. It counts ended pods as well, so all completions of a Job
 * (Ascend/mind-cluster@22bb3d98 ascend-for-volcano plugin/job.go setNPUTaskNumInJob; volcano-sh/volcano@ed72c7c8 event_handlers.go addTask).
 */
export function podsBeside({ object }: ExaminedPod, { pods }: ExaminedObject): number {
  if (!GROUPED.has(groupKind(object))) {
    return 1;
  }
  const all = pods.filter(({ devices }) => devices.length > 0).reduce((sum, { pods: count = 1 }) => sum + count, 0);
  return groupKind(object) === 'batch/Job' ? whole((object.spec as { completions?: unknown }).completions, all) : all;
}

/** What is wrong with a pod's count of whole 910 devices if it is one of so many pods; undefined if nothing is. */
export function wrongCount(pod: ExaminedPod, pods: number): string | undefined {
  const products = productsOf(pod);
  const isJob = JOBS.has(groupKind(pod.object));
  const counts = products.map((product) => product.podCounts(isJob || product.schedulePolicy?.startsWith('chip2-') === true ? pods : 1));
  const count = deviceCount(pod);
  if (products.length === 0 || counts.some((legal) => legal === undefined || legal.includes(count))) {
    return undefined;
  }
  const legal = [...new Set(counts.flatMap((some) => some ?? []))].sort((a, b) => a - b).join(', ');
  const remedy = pods > 1 ? `each of the ${String(pods)} pods with devices of the ${pod.object.kind} gets ${legal} there` : `a pod there gets ${legal}`;
  return `the pod asks for ${String(count)} devices on ${products.map(({ name }) => name).join(' or ')}; ${remedy}`;
}

/** What is wrong with the logical super pods of a job (Ascend/mind-cluster@22bb3d98 ascend-for-volcano ascend910a3/superpod/frame.go checkSpBlock, checkRequireNPU). */
export function wrongBlock(pod: ExaminedPod, examined: ExaminedObject): Fault[] {
  const ofPod = pod.metadata.annotations?.[SUPER_POD_BLOCK];
  const block = ofPod ?? pod.object.metadata.annotations?.[SUPER_POD_BLOCK];
  const [each, all] = [deviceCount(pod), devicesTogether(pod, examined)];
  const unit = podsBeside(pod, examined) > 1 ? devicesOfNode(pod) ?? each : all;
  return block === undefined || isBlock(Number(block), all, unit) ? []
    : [fault(`sp-block is '${block}' for ${String(all)} devices in pods of ${String(each)}`, ...ofPod === undefined ? [] : pod.place, 'metadata', 'annotations', SUPER_POD_BLOCK)];
}

function isBlock(size: number, all: number, unit: number): boolean {
  return Number.isInteger(size) && size > 0 && all % size === 0 && size % unit === 0;
}

/** The devices that are placed together. */
function devicesTogether(pod: ExaminedPod, { pods }: ExaminedObject): number {
  const together = pod.metadata.annotations?.[MIN_AVAILABLE];
  if (together !== undefined && groupKind(pod.object) === 'apps/Deployment') {
    return deviceCount(pod) * Number(together);
  }
  return pods.reduce((sum, other) => sum + deviceCount(other) * (other.pods ?? 1), 0);
}

/** Devices of a server in a super pod. Where only the annotation says that there is one, it is an A3 with 16, or 8 by its node label (factory.go getA3HandlerNameWithSpBlock). */
function devicesOfNode(pod: ExaminedPod): number | undefined {
  const policy = schedulePolicyOf(pod);
  if (policy === undefined) {
    return pod.spec.nodeSelector?.['accelerator-type'] === 'module-a3-8-super-pod' ? 8 : 16;
  }
  const [, devices] = /-node(\d+)-(?:.*-)?sp$/.exec(policy) ?? [];
  return devices === undefined ? undefined : Number(devices);
}
