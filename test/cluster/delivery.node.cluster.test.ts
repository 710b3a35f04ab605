// Weights on the real node: downloaded once whoever wants them, never accepted when wrong, and taken over from a pod that is gone.
import { Size } from 'cdk8s';
import {
  Artifact, DownloadWeights, GlmModel, InferenceDeployment, ModelStore, Platform, Runtime, WeightSource,
} from '../../index';
import { inside } from './support/cluster';
import { eventually } from './support/eventually';
import { Hub } from './support/hub';
import { impatient, type Manifest, onRealNode } from './support/manifest';
import { TestNamespace } from './support/namespace';
import { synthesize } from './support/synthesize';

const model = GlmModel.CHATGLM3_6B;
/** What the store holds of one model: the hub's files that ChatGLM3 needs. */
const BYTES = 4_194_304;

let namespace: TestNamespace;
let hub: Hub;
let takenOver: Promise<Manifest[]>;
beforeAll(async () => {
  namespace = await TestNamespace.create('delivery');
  hub = await Hub.start(namespace);
});
afterAll(() => namespace.delete());

const sourceOf = (owner: string): WeightSource => WeightSource.huggingFace(model, { repository: `${owner}/chatglm3-6b`, revision: 'v1', trustOnFirstUse: true, endpoint: hub.url });

/** A Job that downloads the weights of this owner to a store of this name. */
const download = (id: string, owner: string, store = `${id}-store`): Manifest[] => synthesize((chart) => {
  Platform.attach(chart, {});
  new DownloadWeights(chart, id, { store: new ModelStore(chart, store, { size: Size.gibibytes(50), storageClassName: 'nfs' }), model, source: sourceOf(owner) });
}).map(onRealNode);

const jobOf = (objects: readonly Manifest[]): string => objects.find(({ kind }) => kind === 'Job')?.metadata.name ?? '';
const folderOf = (store: string): string => `"\${KUBECONFIG%/*}/volumes/${namespace.name}-test-${store}"`;
test('x', async () => {
  const o = download('cold', 'cold');
  await namespace.apply(o);
  console.log(JSON.stringify(o.map((x) => [x.kind, x.metadata.name])));
  console.log(await namespace.endOfJob(jobOf(o)), await namespace.kubectl('logs', `job/${jobOf(o)}`, '--all-containers'));
  console.log(await hub.sent('/cold/'));
  const c = download('bad', 'corrupt');
  await namespace.apply(c);
  console.log(await namespace.endOfJob(jobOf(c)), await namespace.kubectl('describe', 'pod', '-l', `job-name=${jobOf(c)}`), await namespace.kubectl('logs', `job/${jobOf(c)}`, '--all-containers'));
  console.log(await inside('sh', ['-c', `ls -alR ${folderOf('bad-store')}`]));
});
