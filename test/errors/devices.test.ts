import { Size } from 'cdk8s';
import {
  Accelerator, type AcceleratorProps, CambriconMode, DevicePlugin, Dtype, NodeType, type NodeTypeProps, type PlatformProps, Runtime, Scheduler, SecurityLevel, Vendor,
} from 'cdk8s-chatglm';

import { refuses } from '../support/bad-input';
import { everyVendor } from '../support/synthesized';
import { serve } from '../support/workloads';

/** Any chip and count: the echo runtime takes them all, so only the device plugin and the node type can object. */
const on = (accelerator: Accelerator, devices: number, devicePlugin?: DevicePlugin, platform: PlatformProps = {}, nodeType?: NodeType) => () => serve(
  { accelerator, devices, devicePlugin, nodeType, runtime: Runtime.echo(), skipMemoryCheck: true }, { ...everyVendor(), ...platform },
);
const mindCluster = (options: Partial<Parameters<typeof DevicePlugin.mindCluster>[0]> = {}) => DevicePlugin.mindCluster({ version: '26.0', ...options });

describe('counts', () => {
  refuses([
    ['no device of a chip', on(Accelerator.ASCEND_910B3, 0), '[test/chat] \'devices\' must be a whole number from 1, got 0'],
    ['a negative count', on(Accelerator.ASCEND_910B3, -1), '[test/chat] \'devices\' must be a whole number from 1, got -1'],
    ['half a device', on(Accelerator.ASCEND_910B3, 0.5), '[test/chat] \'devices\' must be a whole number from 1, got 0.5'],
    ['not a number', on(Accelerator.ASCEND_910B3, NaN), '[test/chat] \'devices\' must be a whole number from 1, got NaN'],
    ['more than the node has', on(Accelerator.ASCEND_910B3, 9), '[test/chat] \'devices\' must be one of 1, 2, 3, 4, 5, 6, 7, 8 for a pod on Atlas 800T A2, got 9'],
    ['three of a 910A module, which has two rings of four', on(Accelerator.ASCEND_910A, 3), '[test/chat] \'devices\' must be one of 1, 2, 4, 8 for a pod on Atlas 800 9000, got 3'],
    ['seven of a 910A module', on(Accelerator.ASCEND_910A, 7), '[test/chat] \'devices\' must be one of 1, 2, 4, 8 for a pod on Atlas 800 9000, got 7'],
    ['nine of a Box16', on(Accelerator.ASCEND_910B3, 9, undefined, { nodeTypes: [NodeType.ATLAS_200T_A2_BOX16] }), '[test/chat] \'devices\' must be one of 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16 for a pod on Atlas 200T A2 Box16, got 9'],
    ['three dies of an A3', on(Accelerator.ASCEND_910C, 3, undefined, { nodeTypes: [NodeType.ATLAS_800T_A3] }), '[test/chat] \'devices\' must be one of 1, 2, 4, 6, 8, 10, 12, 14, 16 for a pod on Atlas 800T A3, got 3'],
    ['two devices of a system on chip', on(Accelerator.ASCEND_310P_200I_SOC, 2, undefined, { nodeTypes: [NodeType.ATLAS_200I_SOC_A1] }), '[test/chat] \'devices\' must be one of 1 for a pod on Atlas 200I SoC A1, got 2'],
    ['seventeen devices of eight MLU370-X8 cards', on(Accelerator.MLU370_X8, 17), '[test/chat] \'devices\' must be one of 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 for a pod on MLU370-X8 server, got 17'],
    ['nine devices by HAMi', on(Accelerator.ASCEND_910B3, 9, DevicePlugin.hami()), '[test/chat] \'devices\' must be one of 1, 2, 3, 4, 5, 6, 7, 8 for a pod on Atlas 800T A2, got 9'],
    ['nine devices by CCE', on(Accelerator.ASCEND_910B3, 9, DevicePlugin.cce()), '[test/chat] \'devices\' must be one of 1, 2, 3, 4, 5, 6, 7, 8 for a pod on Atlas 800T A2, got 9'],
    ['nine devices of the host', on(Accelerator.ASCEND_910B3, 9, DevicePlugin.hostDevices()), '[test/chat] \'devices\' must be one of 1, 2, 3, 4, 5, 6, 7, 8 for a pod on Atlas 800T A2, got 9'],
    ['devices of nothing', () => serve({ devices: 2 }), '[test/chat] \'devices\' is 2, but no \'accelerator\' says of what'],
  ]);
});

describe('MindCluster', () => {
  refuses([
    ['no release', () => mindCluster({ version: '' }), '\'version\' of MindCluster must be a release from 6.0 on, like \'7.2.RC1\', \'26.0\' or \'26.1.0\', got \'\''],
    ['a release by another name', () => mindCluster({ version: 'latest' }), '\'version\' of MindCluster must be a release from 6.0 on, like \'7.2.RC1\', \'26.0\' or \'26.1.0\', got \'latest\''],
    ['a release before 6.0', () => mindCluster({ version: '3.0.0' }), '\'version\' of MindCluster must be a release from 6.0 on, like \'7.2.RC1\', \'26.0\' or \'26.1.0\', got \'3.0.0\''],
    ['a Cambricon card', on(Accelerator.MLU370_X8, 1, mindCluster()), '[test/chat] device plugin \'MindCluster 26.0\' has no resource for MLU370-X8: name another plugin in \'devicePlugin\' or in the platform\'s \'devicePlugins\''],
    ['mixed insert with virtual devices', () => mindCluster({ mixedInsert: true, virtualDevice: 'vir04' }), '\'virtualDevice\' is \'vir04\' but \'mixedInsert\' is on: the plugin offers no virtual devices in mixed-insert mode'],
    ['mixed insert with Volcano', on(Accelerator.ASCEND_310P_300I_PRO, 1, mindCluster({ mixedInsert: true }), {
      nodeTypes: [NodeType.ATLAS_310P_CARD_SERVER], scheduler: Scheduler.volcano(),
    }), '[test/chat] the device plugin\'s mixed-insert mode does not work with Volcano; use Scheduler.DEFAULT for these nodes'],
    ['mixed insert of a 300I Duo, which it has no name for', on(Accelerator.ASCEND_310P_300I_DUO_96G, 1, mindCluster({ mixedInsert: true })), '[test/chat] device plugin \'MindCluster 26.0\' has no resource for Ascend310P 300I Duo 96G: name another plugin in \'devicePlugin\' or in the platform\'s \'devicePlugins\''],
    ['Volcano without a node type', on(Accelerator.ASCEND_910B3, 1, undefined, { nodeTypes: [], scheduler: Scheduler.volcano() }), '[test/chat] \'nodeType\' is needed for Ascend910B3 with Volcano: without it MindCluster schedules by the rules of the 910A; name the server product in the platform\'s \'nodeTypes\' or in the workload\'s \'nodeType\''],
    ['two static virtual devices', on(Accelerator.ASCEND_310P_300I_DUO_96G, 2, mindCluster({ virtualDevice: 'vir04' })), '[test/chat] \'devices\' must be 1 with virtual device \'vir04\', got 2: a pod gets exactly one slice; use whole devices for more'],
    ['a template of another chip', on(Accelerator.ASCEND_910B3, 1, mindCluster({ virtualDevice: 'vir04' })), '[test/chat] \'virtualDevice\' of Ascend910B3 must be one of vir06_1c_16g, vir12_3c_32g, vir05_1c_8g, vir05_1c_16g, vir10_3c_16g, vir10_3c_16g_nm, vir10_4c_16g_m, vir10_3c_32g, got \'vir04\''],
    ['a template that nobody has', on(Accelerator.ASCEND_310P_300I_DUO_96G, 1, mindCluster({ virtualDevice: 'vir99' })), '[test/chat] \'virtualDevice\' of Ascend310P 300I Duo 96G must be one of vir01, vir02, vir04, vir02_1c, vir04_3c, vir04_3c_ndvpp, vir04_4c_dvpp, got \'vir99\''],
    ['a virtual device of a chip that has none', on(Accelerator.ASCEND_310, 1, mindCluster({ virtualDevice: 'vir04' }), { nodeTypes: [] }), '[test/chat] Ascend310 cannot be split into virtual devices, got \'virtualDevice\' \'vir04\'; ask for whole devices'],
  ]);
});

describe('HAMi, Cambricon, Sophgo, CCE and the host', () => {
  refuses([
    ['Cambricon under HAMi', on(Accelerator.MLU370_X8, 1, DevicePlugin.hami()), '[test/chat] device plugin \'HAMi\' has no resource for MLU370-X8: HAMi writes the annotation CAMBRICON_DSMLU_ASSIGNED where Cambricon\'s public plugin reads CAMBRICON_DSMLU_ASSIGHED; use DevicePlugin.cambricon()'],
    ['a chip that HAMi does not know', on(Accelerator.ASCEND_910B1, 1, DevicePlugin.hami()), '[test/chat] device plugin \'HAMi\' has no resource for Ascend910B1: name another plugin in \'devicePlugin\' or in the platform\'s \'devicePlugins\''],
    ['no share of the cores', () => DevicePlugin.hami({ deviceCorePercent: 0 }), '\'deviceCorePercent\' must be a whole number from 1 to 100, got 0'],
    ['more than all cores', () => DevicePlugin.hami({ deviceCorePercent: 101 }), '\'deviceCorePercent\' must be a whole number from 1 to 100, got 101'],
    ['a slice without memory', () => DevicePlugin.hami({ deviceMemory: Size.kibibytes(1) }), '\'deviceMemory\' of HAMi must be at least 1 MiB, got 1Ki'],
    ['two slices', on(Accelerator.ASCEND_910B3, 2, DevicePlugin.hami({ deviceMemory: Size.gibibytes(16) })), '[test/chat] \'devices\' must be 1 with a HAMi slice, got 2: HAMi refuses several slices in one pod unless they are soft; set \'deviceCorePercent\' too, or ask for whole devices'],
    ['a MIM profile in capitals', () => CambriconMode.mim('2M.8GB'), 'a MIM profile looks like \'2m.8gb\', got \'2M.8GB\''],
    ['two shared devices', on(Accelerator.MLU370_X8, 2, DevicePlugin.cambricon({ mode: CambriconMode.ENV_SHARE })), '[test/chat] \'devices\' must be 1 with mode \'env-share\', got 2: several shares or slices of one container may lie on one card'],
    ['two MIM slices', on(Accelerator.MLU370_X8, 2, DevicePlugin.cambricon({ mode: CambriconMode.mim('2m.8gb') })), '[test/chat] \'devices\' must be 1 with mode \'mim\', got 2: several shares or slices of one container may lie on one card'],
    ['an Ascend chip of Cambricon', on(Accelerator.ASCEND_910B3, 1, DevicePlugin.cambricon()), '[test/chat] device plugin \'Cambricon default\' has no resource for Ascend910B3: name another plugin in \'devicePlugin\' or in the platform\'s \'devicePlugins\''],
    ['a resource with a slash', () => DevicePlugin.genericDevicePlugin({ name: 'sophon/bm1684x' }), '\'domain\' and \'name\' of the generic device plugin must be lower case DNS names, got \'squat.ai\' and \'sophon/bm1684x\''],
    ['a domain in capitals', () => DevicePlugin.genericDevicePlugin({ name: 'bm1684x', domain: 'Squat.ai' }), '\'domain\' and \'name\' of the generic device plugin must be lower case DNS names, got \'Squat.ai\' and \'bm1684x\''],
    ['groups of no chips', () => DevicePlugin.genericDevicePlugin({ name: 'bm1684x', devicesPerUnit: 0 }), '\'devicesPerUnit\' must be a whole number from 1, got 0'],
    ['two groups of one chip', on(Accelerator.BM1684X, 2), '[test/chat] \'devices\' must be 1 with the resource squat.ai/bm1684x, got 2: each unit numbers its chips from 0, so two units would collide; name a resource whose groups hold that many chips and say so in \'devicesPerUnit\''],
    ['one chip of a group of three', on(Accelerator.BM1684X, 1, DevicePlugin.genericDevicePlugin({ name: 'bm1684x-3', devicesPerUnit: 3 })), '[test/chat] \'devices\' must be 3 with the resource squat.ai/bm1684x-3, got 1: each unit numbers its chips from 0, so two units would collide; name a resource whose groups hold that many chips and say so in \'devicesPerUnit\''],
    ['a 310P under CCE', on(Accelerator.ASCEND_310P_300I_DUO_96G, 1, DevicePlugin.cce()), '[test/chat] device plugin \'CCE\' has no resource for Ascend310P 300I Duo 96G: name another plugin in \'devicePlugin\' or in the platform\'s \'devicePlugins\''],
    ['one device of the host twice', on(Accelerator.ASCEND_910B3, 2, DevicePlugin.hostDevices({ deviceIds: [0, 0] })), '[test/chat] \'deviceIds\' must be 2 different whole numbers from 0, one for each of \'devices\', got 0, 0'],
    ['fewer devices of the host than asked for', on(Accelerator.ASCEND_910B3, 2, DevicePlugin.hostDevices({ deviceIds: [0] })), '[test/chat] \'deviceIds\' must be 2 different whole numbers from 0, one for each of \'devices\', got 0'],
    ['a negative device of the host', on(Accelerator.ASCEND_910B3, 1, DevicePlugin.hostDevices({ deviceIds: [-1] })), '[test/chat] \'deviceIds\' must be 1 different whole numbers from 0, one for each of \'devices\', got -1'],
    ['devices of the host without root', () => serve({ accelerator: Accelerator.ASCEND_910B3, devicePlugin: DevicePlugin.hostDevices(), security: SecurityLevel.NON_ROOT }), '[test/chat] DevicePlugin.hostDevices makes the container privileged, which does not go with a user other than root (security level \'non-root\'); use a device plugin, or leave both out for this workload'],
    ['a resource without a domain', () => DevicePlugin.custom({ name: 'mine', resourceName: 'npu', accelerators: [] }), '\'resourceName\' must be an extended resource like \'example.com/npu\', got \'npu\''],
    ['a chip that a custom plugin was not made for', on(Accelerator.ASCEND_910B3, 1, custom([Accelerator.MLU590])), '[test/chat] device plugin \'mine\' has no resource for Ascend910B3: name another plugin in \'devicePlugin\' or in the platform\'s \'devicePlugins\''],
    ['a runtime class that is no name', on(Accelerator.ASCEND_910B3, 1, custom([Accelerator.ASCEND_910B3], { runtimeClassName: 'My Runtime' })), '[test/chat] Deployment/test-chat: runtimeClassName must name an object by lower case letters, digits, \'-\' and \'.\', got \'My Runtime\' (rule reference-names)'],
    ['a node label that is not legal', on(Accelerator.ASCEND_910B3, 1, custom([Accelerator.ASCEND_910B3], { nodeSelector: { npu: 'a b' } })), '[test/chat] Deployment/test-chat: label \'npu: a b\' of the node selector is not legal; keys and values have letters, digits, \'-\', \'_\' and \'.\', at most 63 characters (rule labels)'],
  ]);
});

function custom(accelerators: Accelerator[], options: Partial<Parameters<typeof DevicePlugin.custom>[0]> = {}): DevicePlugin {
  return DevicePlugin.custom({ name: 'mine', resourceName: 'example.com/npu', accelerators, ...options });
}

const chip = (props: Partial<AcceleratorProps>) => () => Accelerator.custom({
  name: 'Chip', vendor: Vendor.HUAWEI, series: '910B', dtypes: [Dtype.FLOAT16], ...props,
});
const server = (props: Partial<NodeTypeProps>) => () => NodeType.custom({ name: 'Server', accelerators: [Accelerator.ASCEND_910B3], ...props });

describe('chips and servers of one\'s own', () => {
  refuses([
    ['a chip without a name', chip({ name: ' ' }), 'an accelerator needs a \'name\' and a \'series\', got \' \' and \'910B\''],
    ['a chip without a series', chip({ series: '' }), 'an accelerator needs a \'name\' and a \'series\', got \'Chip\' and \'\''],
    ['a chip that computes nothing', chip({ dtypes: [] }), 'accelerator \'Chip\' needs at least one dtype, got none; float16 is what most chips compute in'],
    ['a chip without memory', chip({ deviceMemory: Size.gibibytes(0) }), '\'deviceMemory\' of accelerator \'Chip\' must be positive, got 0Gi'],
    ['a server without chips', server({ accelerators: [] }), 'a node type needs a \'name\' and at least one of \'accelerators\', got \'Server\' and 0 accelerators'],
    ['a server of half a device', server({ devicesPerNode: 0.5 }), '\'devicesPerNode\' of node type \'Server\' must be a whole number from 1, got 0.5'],
    ['a server of no devices', server({ devicesPerNode: 0 }), '\'devicesPerNode\' of node type \'Server\' must be a whole number from 1, got 0'],
    ['a pod with more devices than the server', server({ devicesPerNode: 8, podCounts: [1, 16] }), '\'podCounts\' of node type \'Server\' must be whole numbers from 1 to 8, got 16'],
    ['no legal count', server({ podCounts: [] }), '\'podCounts\' of node type \'Server\' must be whole numbers from 1, got none'],
    ['a negative count in a distributed job', server({ distributedPodCounts: [-8] }), '\'distributedPodCounts\' of node type \'Server\' must be whole numbers from 1, got -8'],
  ]);
});
