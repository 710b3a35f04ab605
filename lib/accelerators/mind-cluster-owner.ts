import type { DeviceRequest, PodOwner } from './device-dialect';
import type { MindClusterVersion } from './mind-cluster-version';

/**
 * How many replicas of a Deployment MindCluster's scheduler places together: all, unless this annotation of the pods says another number
 * (Ascend/mind-cluster@22bb3d98 component/ascend-for-volcano/plugin/job.go, initByJobInfo; common/util/constants.go; read since 7.3).
 */
const MIN_AVAILABLE = 'huawei.com/schedule_minAvailable';

/** Replicas answer without each other, so that those whose devices are free need not wait for the others. */
export function placedOneByOne({ owner, scheduler }: DeviceRequest, version: MindClusterVersion): Record<string, string> {
  return owner?.kind === 'Deployment' && scheduler.isVolcano && version.atLeast(7, 3) ? { [MIN_AVAILABLE]: '1' } : {};
}

/**
 * Throws if several pods of one owner could not be placed. On A3 (the policies `chip2-*`) the scheduler holds them to the counts of a distributed job (module910a3x16/frame.go and
 * superpod/frame.go of component/ascend-for-volcano/internal/npu/ascend910/ascend910a3); for other servers the counts are the same.
 */
export function checkOwner({ owner, nodeType, devices, scheduler, prop = 'devices' }: DeviceRequest): void {
  const counts = nodeType?.podCounts(2);
  const isA3 = nodeType?.schedulePolicy?.startsWith('chip2-node') === true;
  if (!scheduler.isVolcano || !isA3 || owner === undefined || podsOf(owner) < 2 || counts?.includes(devices) !== false) {
    return;
  }
  throw new Error(`'${prop}' must be one of ${counts.join(', ')} for a pod on ${String(nodeType)} with '${owner.prop}' ${String(owner.count)}, got ${String(devices)}: `
    + `MindCluster's scheduler ${REASONS[owner.kind]}`);
}

const REASONS: Readonly<Record<PodOwner['kind'], string>> = {
  Deployment: 'takes the replicas of a Deployment for one job over several nodes and leaves them Pending; ask for one of these, or make a server of one replica for each',
  Job: 'counts the failed pod of a Job, so that the next one is a job over several nodes and stays Pending; '
    + 'ask for one of these, set \'backoffLimit\' to 0, or use a Volcano Job where there is a \'workload\'',
};

function podsOf({ kind, count }: PodOwner): number {
  return kind === 'Job' ? count + 1 : count;
}
