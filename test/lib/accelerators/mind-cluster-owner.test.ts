import { Accelerator, DevicePlugin, type MindClusterOptions, NodeType, Scheduler } from 'cdk8s-chatglm';

import type { PodOwner } from '../../../lib/accelerators/device-dialect';
import { type FragmentRequest, fragmentOf } from '../../support/device-fragment';
import { thrownBy } from '../../support/thrown';

const VOLCANO = Scheduler.volcano();

function ask(request: FragmentRequest, options: MindClusterOptions = { version: '26.0' }) {
  return fragmentOf(DevicePlugin.mindCluster(options), request);
}

describe('the replicas of a server', () => {
  const MIN_AVAILABLE = 'huawei.com/schedule_minAvailable';
  const request = { accelerator: Accelerator.ASCEND_910B3, nodeType: NodeType.ATLAS_800T_A2, scheduler: VOLCANO, owner: { kind: 'Deployment', prop: 'replicas', count: 3 } } as const;

  test.each(['7.3.0', '26.0', '26.1.0'])('are placed one by one under MindCluster %s', (version) => {
    const { annotations, objectAnnotations } = ask(request, { version });

    expect(annotations).toEqual({ 'huawei.com/schedule_policy': 'chip8-node8', [MIN_AVAILABLE]: '1' });
    expect(objectAnnotations).toEqual({ 'huawei.com/schedule_policy': 'chip8-node8' });
  });

  test.each([
    ['under MindCluster 7.2, which does not read it', { ...request }, '7.2.RC1'],
    ['without Volcano', { ...request, scheduler: Scheduler.DEFAULT }, '26.0'],
    ['for a Job', { ...request, owner: { kind: 'Job', prop: 'backoffLimit', count: 3 } }, '26.0'],
    ['for a job whose pods are placed together', { ...request, owner: undefined }, '26.0'],
  ] as const)('do not say so %s', (_, { owner, ...others }, version) => {
    expect(ask({ ...others, ...(owner && { owner }) }, { version }).annotations).not.toHaveProperty([MIN_AVAILABLE]);
  });

  test('of a virtual device are placed one by one, too', () => {
    expect(ask(request, { version: '26.0', virtualDevice: 'vir05_1c_16g' }).annotations).toMatchObject({ [MIN_AVAILABLE]: '1' });
  });
});

describe('pods of one owner on A3, which the scheduler takes for one job', () => {
  const EVEN = '2, 4, 6, 8, 10, 12, 14, 16';
  const HALF = NodeType.custom({
    name: 'eight dies of a super pod', accelerators: [Accelerator.ASCEND_910C], devicesPerNode: 8, podCounts: [1, 2, 4, 6, 8], distributedPodCounts: [8], schedulePolicy: 'chip2-node8-sp',
  });
  const COUNTS: readonly [NodeType, string][] = [[HALF, '8'], [NodeType.ATLAS_800T_A3, EVEN], [NodeType.ATLAS_800I_A3, EVEN], [NodeType.ATLAS_900_A3_SUPERPOD, '16']];
  const owned = (nodeType: NodeType, devices: number, owner: PodOwner, scheduler = VOLCANO) => () => ask({ accelerator: Accelerator.ASCEND_910C, nodeType, devices, scheduler, owner });
  const server = (prop: string, count: number): PodOwner => ({ kind: 'Deployment', prop, count });

  test.each(COUNTS)('cannot be two servers of one die on %s', (nodeType, counts) => {
    expect(thrownBy(owned(nodeType, 1, server('replicas', 2)))).toBe(
      `'devices' must be one of ${counts} for a pod on ${nodeType.name} with 'replicas' 2, got 1: MindCluster's scheduler takes the replicas of a Deployment for one job over several nodes `
      + 'and leaves them Pending; ask for one of these, or make a server of one replica for each',
    );
  });

  test.each(COUNTS)('cannot be a Job of one die on %s that is tried again', (nodeType, counts) => {
    expect(thrownBy(owned(nodeType, 1, { kind: 'Job', prop: 'backoffLimit', count: 3 }))).toBe(
      `'devices' must be one of ${counts} for a pod on ${nodeType.name} with 'backoffLimit' 3, got 1: MindCluster's scheduler counts the failed pod of a Job, so that the next one is a job `
      + 'over several nodes and stays Pending; ask for one of these, set \'backoffLimit\' to 0, or use a Volcano Job where there is a \'workload\'',
    );
  });

  test('are so many as an autoscaler may make', () => {
    expect(thrownBy(owned(NodeType.ATLAS_900_A3_SUPERPOD, 8, server('maxReplicas', 4)))).toBe(
      '\'devices\' must be one of 16 for a pod on Atlas 900 A3 SuperPoD with \'maxReplicas\' 4, got 8: MindCluster\'s scheduler takes the replicas of a Deployment for one job over several nodes '
      + 'and leaves them Pending; ask for one of these, or make a server of one replica for each',
    );
  });

  test.each([
    ['one replica', owned(NodeType.ATLAS_800I_A3, 1, server('replicas', 1))],
    ['an even count', owned(NodeType.ATLAS_800I_A3, 2, server('replicas', 2))],
    ['a whole node of a super pod', owned(NodeType.ATLAS_900_A3_SUPERPOD, 16, server('replicas', 2))],
    ['a Job that is not tried again', owned(NodeType.ATLAS_800I_A3, 1, { kind: 'Job', prop: 'backoffLimit', count: 0 })],
    ['another scheduler', owned(NodeType.ATLAS_800I_A3, 1, server('replicas', 2), Scheduler.DEFAULT)],
    ['a server with 300T cards, which does not refuse it', () => ask({ accelerator: Accelerator.ASCEND_910A, nodeType: NodeType.ATLAS_300T_SERVER, scheduler: VOLCANO, owner: server('replicas', 2) })],
  ])('can be %s', (_, body) => {
    expect(body).not.toThrow();
  });
});
