/**
 * Synthesizes a fleet in one process, as one row of the benchmark: `node fleet.js --app ours|plain|plus|bare --tenants N --scripts config-maps|image --out FOLDER`.
 *
 * A tenant is a chart with a Deployment, its Service, its ConfigMap of scripts (unless they come in an image), a claim and a NetworkPolicy. `plus` is an app with one
 * Deployment of cdk8s-plus, `bare` one with a ConfigMap of cdk8s alone. Prints a line of JSON: seconds and processor seconds since the library was loaded, and the peak of memory.
 */
import { ApiObject, App, Chart, Size } from 'cdk8s';
import type * as plus from 'cdk8s-plus-27';

import type * as library from '../../index';

const options = Object.fromEntries([...process.argv.slice(2).join(' ').matchAll(/--(\S+) (\S+)/g)].map(([, key, value]) => [key!, value!]));
const props = { outdir: options.out! };

// Loaded where they are used, so that an app pays for its own alone.
const loadPlus = (): typeof plus => require('cdk8s-plus-27') as typeof plus;
const loadLibrary = (): typeof library => require('../../index') as typeof library;

function fleet(app: App): void {
  const { Platform, ScriptDelivery } = loadLibrary();
  Platform.attach(app, { scriptDelivery: options.scripts === 'image' ? ScriptDelivery.image('harbor.example/scripts:1.0') : ScriptDelivery.configMaps() });
  for (let tenant = 0; tenant < Number(options.tenants); tenant++) {
    addTenant(new Chart(app, `tenant-${String(tenant)}`, { namespace: `tenant-${String(tenant)}` }));
  }
}

function addTenant(chart: Chart): void {
  const { Artifact, ArtifactFormat, GlmModel, InferenceDeployment, ModelStore, Runtime } = loadLibrary();
  const { NetworkPolicy, NetworkPolicyTrafficDefault, Pods } = loadPlus();
  const store = new ModelStore(chart, 'store', { size: Size.gibibytes(100) });
  const weights = Artifact.existing({ store, directory: 'chatglm3-6b', format: ArtifactFormat.HUGGING_FACE });
  new InferenceDeployment(chart, 'chat', { model: GlmModel.CHATGLM3_6B, runtime: Runtime.echo(), weights });
  new NetworkPolicy(chart, 'policy', {
    metadata: { name: chart.node.id },
    selector: Pods.select(chart, 'pods', { labels: { 'app.kubernetes.io/name': 'chatglm' } }),
    ingress: { default: NetworkPolicyTrafficDefault.DENY },
  });
}

const programs: Record<string, (app: App) => void> = {
  ours: fleet,
  plain: fleet,
  plus: (app) => new (loadPlus().Deployment)(new Chart(app, 'chart'), 'deployment', { containers: [{ image: 'busybox:1.36' }] }),
  bare: (app) => new ApiObject(new Chart(app, 'chart'), 'object', { apiVersion: 'v1', kind: 'ConfigMap', data: { key: 'value' } }),
};

const app = options.app === 'ours' ? new (loadLibrary().GlmApp)(props) : new App(props);
if (options.app === 'plain') {
  loadLibrary();
}
const start = performance.now();
const startCpu = process.cpuUsage();
programs[options.app!]!(app);
app.synth();
const cpu = process.cpuUsage(startCpu);
console.log(JSON.stringify({ seconds: (performance.now() - start) / 1000, cpu: (cpu.user + cpu.system) / 1e6, mebibytes: process.resourceUsage().maxRSS / 1024 }));
