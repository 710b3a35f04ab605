import { App, Chart, Duration, Size, Testing } from 'cdk8s';
import { Secret } from 'cdk8s-plus-27';
import { Accelerator, Delivery, DevicePlugin, DownloadWeights, InferenceDeployment, NodeType, Platform, type PlatformProps, Scheduler, ScriptDelivery, SecurityLevel, WeightSource } from 'cdk8s-chatglm';

import { refuses } from '../support/bad-input';
import { chartWith, everyVendor, STORE } from '../support/synthesized';
import { finetune, serve, SERVER } from '../support/workloads';

const platform = (props: PlatformProps) => () => serve({}, props);

describe('where a platform is attached', () => {
  refuses([
    ['after the first construct of the chart', () => {
      const chart = new Chart(Testing.app(), 'test');
      new Chart(chart, 'inner');
      Platform.attach(chart, {});
    }, '[test] Platform.attach comes too late: \'test\' has 1 constructs already (first \'inner\'); attach the platform before creating them, and the Secrets that it names in another scope'],
    ['to an app that has charts', () => {
      const app = new App();
      new Chart(app, 'first');
      new Chart(app, 'second');
      Platform.attach(app, {});
    }, 'Platform.attach comes too late: the app has 2 constructs already (first \'first\'); attach the platform before creating them, and the Secrets that it names in another scope'],
    ['twice to one chart', () => Platform.attach(chartWith(), {}), '[test] Platform.attach was called before for \'test\'; say everything in one call'],
    ['twice to one app', () => {
      const app = new App();
      Platform.attach(app, {});
      Platform.attach(app, {});
    }, 'Platform.attach was called before for the app; say everything in one call'],
  ]);
});

describe('registries, proxies and mirrors', () => {
  refuses([
    ['an image registry with a scheme', platform({ imageRegistry: 'https://harbor.corp.example' }), '\'imageRegistry\' must be a host with an optional path, like \'harbor.corp.example/mirror\', got \'https://harbor.corp.example\''],
    ['an image registry that ends in a slash', platform({ imageRegistry: 'harbor.corp.example/mirror/' }), '\'imageRegistry\' must be a host with an optional path, like \'harbor.corp.example/mirror\', got \'harbor.corp.example/mirror/\''],
    ['an empty image registry', platform({ imageRegistry: '' }), '\'imageRegistry\' must be a host with an optional path, like \'harbor.corp.example/mirror\', got \'\''],
    ['a proxy with a password, which the message must not repeat', platform({ httpProxy: 'http://me:hunter2@proxy.corp.example:3128' }), '\'httpProxy\' of the platform must be an http or https URL without a password, got \'http://***@proxy.corp.example:3128\''],
    ['a proxy with a token for a user', platform({ httpsProxy: 'http://token@proxy.corp.example' }), '\'httpsProxy\' of the platform must be an http or https URL without a password, got \'http://***@proxy.corp.example\''],
    ['a proxy without a scheme', platform({ httpsProxy: 'proxy.corp.example:3128' }), '\'httpsProxy\' of the platform must be an http or https URL without a password, got \'proxy.corp.example:3128\''],
    ['a proxy of another kind', platform({ httpProxy: 'socks5://proxy.corp.example' }), '\'httpProxy\' of the platform must be an http or https URL without a password, got \'socks5://proxy.corp.example\''],
    ['a hub with a password', platform({ huggingFaceEndpoint: 'https://me:hunter2@hub.corp.example' }), '\'huggingFaceEndpoint\' of the platform must be an http or https URL without a password, got \'https://***@hub.corp.example\''],
    ['a hub that is a file', platform({ modelScopeEndpoint: 'file:///etc/passwd' }), '\'modelScopeEndpoint\' of the platform must be an http or https URL without a password, got \'file:///etc/passwd\''],
    ['a download rate of nothing', platform({ downloadRate: Size.kibibytes(0) }), '\'downloadRate\' must be positive, got 0Ki'],
  ]);
});

describe('the user of the pods', () => {
  refuses([
    ['root', platform({ user: { uid: 0 } }), '[test/chat] \'uid\' of a pod\'s user must be a whole number from 1, got 0; to run as root leave the user out'],
    ['a negative group', platform({ user: { uid: 1000, gid: -1 } }), '[test/chat] \'gid\' of a pod\'s user must be a whole number from 1, got -1; to run as root leave the user out'],
    ['half a supplementary group', platform({ user: { uid: 1000, groups: [1000, 0.5] } }), '[test/chat] \'groups\' of a pod\'s user must be a whole number from 1, got 0.5; to run as root leave the user out'],
    ['a user id that no kernel has', platform({ user: { uid: 2 ** 31 } }), '[test/chat] \'uid\' of a pod\'s user must be a whole number from 1, got 2147483648; to run as root leave the user out'],
    ['a line of /etc/passwd as the name', platform({ user: { uid: 1000, name: 'x:0:0\nroot' } }), '[test/chat] \'name\' of a pod\'s user must be a Linux user name, got \'x:0:0\nroot\''],
    ['a privileged plugin under a level that forbids it', () => serve({ security: SecurityLevel.RESTRICTED, ...privileged() }), '[test/chat] DevicePlugin.hostDevices makes the container privileged, which does not go with a user other than root (security level \'restricted\'); use a device plugin, or leave both out for this workload'],
  ]);
});

function privileged(): Parameters<typeof serve>[0] {
  return { accelerator: Accelerator.ASCEND_910B3, devicePlugin: DevicePlugin.hostDevices() };
}

describe('schedulers, delivery and scripts', () => {
  refuses([
    ['a Volcano queue with spaces', () => Scheduler.volcano({ queue: 'team a' }), '\'queue\' of a scheduler must be a Kubernetes name (lower case letters, digits, \'-\' and \'.\', at most 63), got \'team a\''],
    ['an empty Volcano queue', () => Scheduler.volcano({ queue: '' }), '\'queue\' of a scheduler must be a Kubernetes name (lower case letters, digits, \'-\' and \'.\', at most 63), got \'\''],
    ['a Kueue queue that is no name', () => Scheduler.kueue({ queue: '-llm' }), '\'queue\' of a scheduler must be a Kubernetes name (lower case letters, digits, \'-\' and \'.\', at most 63), got \'-llm\''],
    ['a script image without a tag', () => ScriptDelivery.image('registry.corp.example/scripts'), '\'image\' must be pinned by a full tag or a digest, got \'registry.corp.example/scripts\''],
    ['a script image that moves', () => ScriptDelivery.image('registry.corp.example/scripts:latest'), '\'image\' must be pinned by a full tag or a digest, got \'registry.corp.example/scripts:latest\''],
    ['a job that deletes itself under Argo CD', () => finetune({ ttlAfterFinished: Duration.hours(1) }, { ...everyVendor(), delivery: Delivery.ARGO_CD }), '[test/finetune] \'ttlAfterFinished\' does not go with argo-cd: it would find the finished job missing and run it again; leave it out'],
    ['a download that deletes itself under Flux', () => {
      const chart = chartWith({ delivery: Delivery.FLUX });
      const source = WeightSource.huggingFace(SERVER.model, { revision: 'v1.0' });
      new DownloadWeights(chart, 'weights', { store: STORE, model: SERVER.model, source, ttlAfterFinished: Duration.minutes(5) });
    }, '[test/weights] \'ttlAfterFinished\' does not go with flux: it would find the finished job missing and run it again; leave it out'],
  ]);
});

describe('names, labels and taints on every pod', () => {
  refuses([
    ['an effect that Kubernetes does not know', platform({ tolerations: [{ key: 'npu', effect: 'NoScheduling' }] }), '[test/chat] \'effect\' of a toleration must be NoSchedule, PreferNoSchedule or NoExecute, got \'NoScheduling\''],
    ['a toleration of a value without its key', platform({ tolerations: [{ value: 'npu' }] }), '[test/chat] a toleration with the value \'npu\' needs a \'key\''],
    ['a label value with a space', platform({ podLabels: { team: 'machine learning' } }), '[test/chat] Deployment/test-chat: label \'team: machine learning\' of the pod is not legal; keys and values have letters, digits, \'-\', \'_\' and \'.\', at most 63 characters (rule labels)'],
    ['a label key with two slashes', platform({ podLabels: { 'corp.example/team/llm': 'yes' } }), '[test/chat] Deployment/test-chat: label \'corp.example/team/llm: yes\' of the pod is not legal; keys and values have letters, digits, \'-\', \'_\' and \'.\', at most 63 characters (rule labels)'],
    ['the label that selects the pods', platform({ podLabels: { 'app.kubernetes.io/instance': 'mine' } }), '[test/chat] Deployment/test-chat: the selector needs the pod label \'app.kubernetes.io/instance: test-chat\', but the pod has \'mine\'; do not set this label (rule selector-matches-pods)'],
    ['an annotation key with a space', platform({ podAnnotations: { 'my note': 'yes' } }), '[test/chat] Deployment/test-chat: annotation key \'my note\' of the pod is not legal; keys have letters, digits, \'-\', \'_\' and \'.\', at most 63 characters (rule annotations)'],
    ['a node selector value with a comma', platform({ nodeSelector: { zone: 'a,b' } }), '[test/chat] Deployment/test-chat: label \'zone: a,b\' of the node selector is not legal; keys and values have letters, digits, \'-\', \'_\' and \'.\', at most 63 characters (rule labels)'],
    ['a priority class that is no name', platform({ priorityClassName: 'High Priority' }), '[test/chat] Deployment/test-chat: priorityClassName must name an object by lower case letters, digits, \'-\' and \'.\', got \'High Priority\' (rule reference-names)'],
    ['a pull secret that is no name', () => {
      const chart = new Chart(Testing.app(), 'other');
      serve({}, { imagePullSecrets: [Secret.fromSecretName(chart, 'pull', 'Pull_Secret')] });
    }, '[test/chat] Deployment/test-chat: imagePullSecrets[0] must name an object by lower case letters, digits, \'-\' and \'.\', got \'Pull_Secret\' (rule reference-names)'],
    ['a chart label that is not legal', () => {
      const chart = new Chart(Testing.app(), 'test', { labels: { team: '-llm-' } });
      new InferenceDeployment(chart, 'chat', SERVER);
    }, '[test/chat] Deployment/test-chat: label \'team: -llm-\' of the object is not legal; keys and values have letters, digits, \'-\', \'_\' and \'.\', at most 63 characters (rule labels); Deployment/test-chat: label \'team: -llm-\' of the pod is not legal; keys and values have letters, digits, \'-\', \'_\' and \'.\', at most 63 characters (rule labels)'],
  ]);
});

describe('which node type and device plugin a chip has', () => {
  const on = (props: PlatformProps) => () => serve({ accelerator: Accelerator.ASCEND_910B3 }, { ...everyVendor(), ...props });
  refuses([
    ['no node type has the chip', on({ nodeTypes: [NodeType.ATLAS_800_9000, NodeType.SE7] }), '[test/chat] no node type of the platform has Ascend910B3; it has Atlas 800 9000, SE7'],
    ['two node types have the chip', on({ nodeTypes: [NodeType.ATLAS_800T_A2, NodeType.ATLAS_900_A2_POD] }), '[test/chat] Ascend910B3 is in several node types of the platform (Atlas 800T A2, Atlas 900 A2 PoD); say which one in \'nodeType\''],
    ['no plugin at all', on({ devicePlugins: [] }), '[test/chat] no device plugin of the platform can name Ascend910B3 (it has none); say one in \'devicePlugin\' or in the platform\'s \'devicePlugins\''],
    ['no plugin names the chip', on({ devicePlugins: [DevicePlugin.cambricon()] }), '[test/chat] no device plugin of the platform can name Ascend910B3 (it has Cambricon default); say one in \'devicePlugin\' or in the platform\'s \'devicePlugins\''],
    ['MindCluster and HAMi both name a 310P', () => serve({ accelerator: Accelerator.ASCEND_310P_300I_DUO_96G }, {
      ...everyVendor(), devicePlugins: [DevicePlugin.mindCluster({ version: '26.0' }), DevicePlugin.hami()],
    }), '[test/chat] Ascend310P 300I Duo 96G can be named by several device plugins of the platform (MindCluster 26.0, HAMi); say which one in \'devicePlugin\''],
    ['a node type that is not sold with the chip', () => serve({ accelerator: Accelerator.ASCEND_910B3, nodeType: NodeType.ATLAS_300I_DUO_SERVER }), '[test/chat] \'nodeType\' Atlas 300I Duo server is not sold with Ascend910B3; it has Ascend310P 300I Duo 48G, Ascend310P 300I Duo 96G'],
  ]);
});
