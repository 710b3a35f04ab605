import { App, Chart, Size, Testing } from 'cdk8s';
import { Accelerator, DevicePlugin, NodeType, Platform, type PlatformProps, ScriptDelivery } from 'cdk8s-chatglm';

import { resolveDevices } from '../../lib/accelerators/device-options';
import { thrownBy } from '../support/thrown';

const attach = (props: PlatformProps) => Platform.attach(new Chart(Testing.app(), 'test'), props);
const CHIP = Accelerator.ASCEND_910B3;
const ONE = { devices: 1, nodes: 1 };

test('the nearest platform above a construct is its own', () => {
  const app = new App();
  const ofApp = Platform.attach(app, { priorityClassName: 'app' });
  const chart = new Chart(app, 'chart');
  const ofInner = Platform.attach(new Chart(chart, 'inner'), { priorityClassName: 'inner' });

  expect(Platform.of(chart)).toBe(ofApp);
  expect(Platform.of(chart.node.findChild('inner'))).toBe(ofInner);
});

test('without a platform all defaults hold', () => {
  const platform = Platform.of(Testing.chart());

  expect([platform.scheduler.name, platform.delivery.name, platform.scriptDelivery.imageName, platform.props]).toEqual(['default', 'kubectl', undefined, {}]);
});

test('a platform that comes late is refused with what came before', () => {
  const chart = new Chart(Testing.app(), 'late');
  new Chart(chart, 'first');

  expect(thrownBy(() => Platform.attach(chart, {}))).toBe(
    '[late] Platform.attach comes too late: \'late\' has 1 constructs already (first \'first\'); attach the platform before creating them, and the Secrets that it names in another scope',
  );
});

test('a second platform of one scope is refused', () => {
  const chart = new Chart(Testing.app(), 'twice');
  Platform.attach(chart, {});

  expect(thrownBy(() => Platform.attach(chart, {}))).toBe('[twice] Platform.attach was called before for \'twice\'; say everything in one call');
});

test('an image of scripts comes from the platform\'s registry like all others', () => {
  const scriptDelivery = ScriptDelivery.image('quay.io/ours/scripts:1');

  expect(attach({ scriptDelivery, imageRegistry: 'harbor.corp.example/mirror' }).scriptDelivery.imageName).toBe('harbor.corp.example/mirror/ours/scripts:1');
  expect(scriptDelivery.imageName).toBe('quay.io/ours/scripts:1');
});

test.each<[PlatformProps, string]>([
  [{ imageRegistry: 'https://harbor.example' }, '\'imageRegistry\' must be a host with an optional path, like \'harbor.corp.example/mirror\', got \'https://harbor.example\''],
  [{ imageRegistry: 'harbor.example/' }, '\'imageRegistry\' must be a host with an optional path, like \'harbor.corp.example/mirror\', got \'harbor.example/\''],
  [{ httpProxy: 'proxy:3128' }, '\'httpProxy\' of the platform must be an http or https URL without a password, got \'proxy:3128\''],
  [{ huggingFaceEndpoint: 'https://me:secret@hub.example' }, '\'huggingFaceEndpoint\' of the platform must be an http or https URL without a password, got \'https://***@hub.example\''],
  [{ downloadRate: Size.kibibytes(0) }, '\'downloadRate\' must be positive, got 0Ki'],
])('a platform that cannot be is refused: %#', (props, message) => {
  expect(thrownBy(() => attach(props))).toBe(message);
});

describe('devices', () => {
  const mindCluster = DevicePlugin.mindCluster({ version: '26.0' });
  const hami = DevicePlugin.hami();

  test('come from the one server and the one plugin that have the chip', () => {
    const platform = attach({ nodeTypes: [NodeType.ATLAS_800_9000, NodeType.ATLAS_800T_A2], devicePlugins: [mindCluster, DevicePlugin.cambricon()] });

    const { nodeType, fragments } = resolveDevices(CHIP, ONE, {}, platform);

    expect(nodeType).toBe(NodeType.ATLAS_800T_A2);
    expect(fragments.map(({ source }) => source)).toEqual(['device plugin \'MindCluster 26.0\'']);
  });

  test('of a platform without servers are of no known server', () => {
    expect(resolveDevices(CHIP, ONE, {}, attach({ devicePlugins: [mindCluster] })).nodeType).toBeUndefined();
  });

  test('the workload\'s own server and plugin win', () => {
    const platform = attach({ nodeTypes: [NodeType.ATLAS_800_9000], devicePlugins: [mindCluster] });

    const { nodeType, fragments } = resolveDevices(CHIP, ONE, { nodeType: NodeType.ATLAS_800I_A2, devicePlugin: hami }, platform);

    expect([nodeType, fragments[0]?.source]).toEqual([NodeType.ATLAS_800I_A2, 'device plugin \'HAMi\'']);
  });

  test.each<[PlatformProps, Parameters<typeof resolveDevices>[2], string]>([
    [{ nodeTypes: [NodeType.ATLAS_800_9000, NodeType.SE7] }, {}, 'no node type of the platform has Ascend910B3; it has Atlas 800 9000, SE7'],
    [{ nodeTypes: [NodeType.ATLAS_800T_A2, NodeType.ATLAS_800I_A2] }, {}, 'Ascend910B3 is in several node types of the platform (Atlas 800T A2, Atlas 800I A2); say which one in \'nodeType\''],
    [{}, { nodeType: NodeType.SE7 }, '\'nodeType\' SE7 is not sold with Ascend910B3; it has BM1684X'],
    [{}, {}, 'no device plugin of the platform can name Ascend910B3 (it has none); say one in \'devicePlugin\' or in the platform\'s \'devicePlugins\''],
    [{ devicePlugins: [DevicePlugin.cambricon()] }, {}, 'no device plugin of the platform can name Ascend910B3 (it has Cambricon default); say one in \'devicePlugin\' or in the platform\'s \'devicePlugins\''],
    [{ devicePlugins: [mindCluster, hami] }, {}, 'Ascend910B3 can be named by several device plugins of the platform (MindCluster 26.0, HAMi); say which one in \'devicePlugin\''],
    [{ devicePlugins: [hami] }, { devicePlugin: DevicePlugin.cambricon() }, 'device plugin \'Cambricon default\' has no resource for Ascend910B3: name another plugin in \'devicePlugin\' or in the platform\'s \'devicePlugins\''],
  ])('that nobody can tell are refused: %#', (props, options, message) => {
    expect(thrownBy(() => resolveDevices(CHIP, ONE, options, attach(props)))).toBe(message);
  });
});
