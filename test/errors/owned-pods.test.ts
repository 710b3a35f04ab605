import { Duration } from 'cdk8s';
import {
  Accelerator, ArtifactFormat, DevicePlugin, NodeType, type PlatformProps, Predict, type PredictProps, Runtime, Scheduler, WorkloadKind,
} from 'cdk8s-chatglm';

import { messageOf, refuses } from '../support/bad-input';
import { podOf } from '../support/pod-of';
import { artifact, chartWith, CHIP, only, synthesized } from '../support/synthesized';
import { FINETUNE, finetune, MIND_FORMERS, serve } from '../support/workloads';

const on = (nodeType: NodeType, scheduler = Scheduler.volcano()): PlatformProps => ({ nodeTypes: [nodeType], devicePlugins: [DevicePlugin.mindCluster({ version: '26.0' })], scheduler });
const server = { runtime: Runtime.echo(), accelerator: Accelerator.ASCEND_910C, skipMemoryCheck: true };

/** A server product with the rules of an A3 and a chip that MindFormers trains on. */
const LIKE_A3 = NodeType.custom({
  name: 'like an A3', accelerators: [CHIP], devicesPerNode: 16, podCounts: [1, 2, 4, 8, 16], distributedPodCounts: [2, 4, 8, 16], schedulePolicy: 'chip2-node16',
});
const tune = { devicesPerNode: 1, skipMemoryCheck: true };

function predict(props: Partial<PredictProps> = {}): unknown {
  const chart = chartWith(on(LIKE_A3));
  new Predict(chart, 'step', { model: FINETUNE.model, runtime: MIND_FORMERS, weights: artifact(ArtifactFormat.MINDSPORE), accelerator: CHIP, prompts: ['1 + 1?'], ...props });
  return synthesized(chart);
}

const IS_ONE_JOB = 'MindCluster\'s scheduler takes the replicas of a Deployment for one job over several nodes and leaves them Pending; '
  + 'ask for one of these, or make a server of one replica for each';
const IS_COUNTED = 'MindCluster\'s scheduler counts the failed pod of a Job, so that the next one is a job over several nodes and stays Pending; '
  + 'ask for one of these, set \'backoffLimit\' to 0, or use a Volcano Job where there is a \'workload\'';

refuses([
  [
    'two servers of one die', () => serve({ ...server, devices: 1, replicas: 2 }, on(NodeType.ATLAS_800I_A3)),
    `[test/chat] 'devices' must be one of 2, 4, 6, 8, 10, 12, 14, 16 for a pod on Atlas 800I A3 with 'replicas' 2, got 1: ${IS_ONE_JOB}`,
  ],
  [
    'an autoscaler in a super pod', () => serve({ ...server, devices: 2, minReplicas: 1, maxReplicas: 2 }, on(NodeType.ATLAS_900_A3_SUPERPOD)),
    `[test/chat] 'devices' must be one of 16 for a pod on Atlas 900 A3 SuperPoD with 'maxReplicas' 2, got 2: ${IS_ONE_JOB}`,
  ],
  [
    'a fine-tune as a Job, which is tried again unless told otherwise', () => finetune(tune, on(LIKE_A3)),
    `[test/finetune] 'devicesPerNode' must be one of 2, 4, 8, 16 for a pod on like an A3 with 'backoffLimit' 3, got 1: ${IS_COUNTED}`,
  ],
  ['a step that is tried again', () => predict({ backoffLimit: 1 }), `[test/step] 'devices' must be one of 2, 4, 8, 16 for a pod on like an A3 with 'backoffLimit' 1, got 1: ${IS_COUNTED}`],
  ['a deadline of an AscendJob, which its operator does not keep', () => finetune({ workload: WorkloadKind.ASCEND_JOB, deadline: Duration.hours(1) }, on(NodeType.ATLAS_800T_A2)),
    '[test/finetune] \'deadline\' is not possible in an AscendJob, whose operator does not act on it; leave it out, or use another \'workload\''],
  ['the clean-up of an AscendJob, which never comes', () => finetune({ workload: WorkloadKind.ASCEND_JOB, ttlAfterFinished: Duration.hours(1) }, on(NodeType.ATLAS_800T_A2)),
    '[test/finetune] \'ttlAfterFinished\' is not possible in an AscendJob, whose operator does not act on it; leave it out, or use another \'workload\''],
]);

test.each<[string, () => unknown]>([
  ['one server of one die', () => serve({ ...server, devices: 1 }, on(NodeType.ATLAS_800I_A3))],
  ['two servers of a package', () => serve({ ...server, devices: 2, replicas: 2 }, on(NodeType.ATLAS_800I_A3))],
  ['a fine-tune that is not tried again', () => finetune({ ...tune, backoffLimit: 0 }, on(LIKE_A3))],
  ['a fine-tune in a Volcano Job, whose failed pods go', () => finetune({ ...tune, workload: WorkloadKind.VOLCANO_JOB }, on(LIKE_A3))],
  ['a fine-tune in an AscendJob, whose failed pods go', () => finetune({ ...tune, workload: WorkloadKind.ASCEND_JOB }, on(LIKE_A3))],
  ['a fine-tune without Volcano', () => finetune(tune, on(LIKE_A3, Scheduler.DEFAULT))],
  ['a step that is not tried again', () => predict({ backoffLimit: 0 })],
])('%s is possible', (_, program) => {
  expect(messageOf(program)).toBeUndefined();
});

test('the pods of a server need not be placed together', () => {
  const { metadata } = podOf(only(serve({ ...server, accelerator: CHIP, replicas: 3 }, on(NodeType.ATLAS_800T_A2)), 'Deployment'));

  expect(metadata.annotations).toMatchObject({ 'huawei.com/schedule_minAvailable': '1' });
});

test('those of a fine-tune must', () => {
  expect(JSON.stringify(finetune({ nodes: 2, workload: WorkloadKind.VOLCANO_JOB }, on(NodeType.ATLAS_800T_A2)))).not.toContain('schedule_minAvailable');
});
