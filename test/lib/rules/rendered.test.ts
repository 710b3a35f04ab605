import {
  Accelerator, DevicePlugin, type InferenceDeploymentProps, NodeType, type PlatformProps, Runtime, Scheduler, SecurityLevel, Vendor, WorkloadKind,
} from 'cdk8s-chatglm';

import { checkObjects } from '../../../lib/rules/check-objects';
import type { Finding } from '../../../lib/rules/rule';
import { finetune, serve } from '../../support/workloads';

/** One server product for each chip: the first that is sold with it. */
function nodeTypeOf(chip: Accelerator): NodeType | undefined {
  return NodeType.all().find((nodeType) => nodeType.has(chip));
}

function platform(chip: Accelerator, devicePlugin: DevicePlugin, scheduler: Scheduler): PlatformProps {
  const nodeType = nodeTypeOf(chip);
  return { devicePlugins: [devicePlugin], scheduler, ...(nodeType !== undefined && { nodeTypes: [nodeType] }) };
}

const ASCEND = Accelerator.all().filter(({ vendor }) => vendor === Vendor.HUAWEI);
const MIND_CLUSTER = ['7.2.RC1', '26.0', '26.1.0'].flatMap((version) => [Scheduler.DEFAULT, Scheduler.volcano()].map((scheduler): [string, DevicePlugin, Scheduler] => (
  [`MindCluster ${version} and ${scheduler.name}`, DevicePlugin.mindCluster({ version }), scheduler])));

/** What is found in a server. The one here loads no model, so that its start-up probe is rightly a short one. */
function foundInServer(chip: Accelerator, devices: number, plugin: DevicePlugin, scheduler = Scheduler.DEFAULT): Finding[] {
  return checkObjects(serve(server(chip, devices), platform(chip, plugin, scheduler))).filter(({ rule }) => rule !== 'startup-budget');
}

function counts(chip: Accelerator): number[] {
  const legal = nodeTypeOf(chip)?.podCounts(1) ?? [1];
  return [...new Set([legal[0]!, legal[Math.floor(legal.length / 2)]!, legal.at(-1)!])];
}

/** A server with devices that speaks the API without a model: it runs on every chip. */
function server(chip: Accelerator, devices: number): Partial<InferenceDeploymentProps> {
  return { runtime: Runtime.echo(), accelerator: chip, devices, skipMemoryCheck: true, security: SecurityLevel.VENDOR_DEFAULT };
}

describe('nothing is found in a server', () => {
  test.each(MIND_CLUSTER)('with %s, on every chip, with the least, a middle and the most devices', (_, plugin, scheduler) => {
    for (const chip of ASCEND) {
      for (const devices of counts(chip)) {
        expect([chip.name, devices, foundInServer(chip, devices, plugin, scheduler)]).toEqual([chip.name, devices, []]);
      }
    }
  });

  test.each<[string, DevicePlugin, Accelerator]>([
    ['CCE', DevicePlugin.cce(), Accelerator.ASCEND_910B3],
    ['HAMi', DevicePlugin.hami(), Accelerator.ASCEND_910B3],
    ['HAMi on a 310P', DevicePlugin.hami(), Accelerator.ASCEND_310P_300I_PRO],
    ['HAMi with soft slicing', DevicePlugin.hami({ deviceCorePercent: 50 }), Accelerator.ASCEND_910B4],
    ['a static virtual device', DevicePlugin.mindCluster({ version: '26.0', virtualDevice: 'vir04' }), Accelerator.ASCEND_310P_300I_PRO],
    ['mixed-insert mode', DevicePlugin.mindCluster({ version: '26.0', mixedInsert: true }), Accelerator.ASCEND_310P_300I_PRO],
    ['Cambricon', DevicePlugin.cambricon(), Accelerator.MLU370_X8],
    ['generic-device-plugin', DevicePlugin.genericDevicePlugin({ name: 'bm1684x' }), Accelerator.BM1684X],
  ])('with %s', (_, plugin, chip) => {
    expect(foundInServer(chip, 1, plugin)).toEqual([]);
  });

  test('but host devices are pointed out', () => {
    const found = foundInServer(Accelerator.MLU370_X8, 1, DevicePlugin.hostDevices());

    expect(found.map(({ rule, severity }) => `${severity} ${rule}`)).toEqual(['warning device-host-path', 'warning device-host-path', 'warning device-host-path']);
  });
});

describe('nothing is found in a fine-tune', () => {
  test.each(MIND_CLUSTER)('with %s, on one node and on four, in every kind of job', (_, plugin, scheduler) => {
    for (const workload of scheduler.isVolcano ? [WorkloadKind.VOLCANO_JOB, WorkloadKind.ASCEND_JOB] : [WorkloadKind.INDEXED_JOB]) {
      for (const nodes of [1, 4]) {
        const objects = finetune({ nodes, workload }, platform(Accelerator.ASCEND_910B3, plugin, scheduler));

        expect([workload.name, nodes, checkObjects(objects)]).toEqual([workload.name, nodes, []]);
      }
    }
  });
});
