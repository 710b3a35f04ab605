// Weights on the real node: fetched once whoever wants them, never accepted when wrong, and taken over from a pod that is gone.
import { Size } from 'cdk8s';
import { Artifact, DownloadWeights, GlmModel, InferenceDeployment, ModelStore, Platform, Runtime, WeightSource } from '../../index';
import { inside } from './support/cluster';
import { eventually } from './support/eventually';
import { Hub } from './support/hub';
import { impatient, type Manifest, onRealNode } from './support/manifest';
import { TestNamespace } from './support/namespace';
import { signalProcess } from './support/pod-process';
import { synthesize } from './support/synthesize';

const model = GlmModel.CHATGLM3_6B;
const MEBIBYTE = 1024 * 1024;
/** What the hub has to send of ChatGLM3 for one complete artifact. */
const ONCE = {
  'config.json': 121, 'configuration_chatglm.py': 13, 'generation_config.json': 2, 'modeling_chatglm.py': 786, 'quantization.py': 13, 'tokenization_chatglm.py': 13,
  'tokenizer_config.json': 39, 'tokenizer.model': MEBIBYTE, 'model-00001-of-00003.safetensors': MEBIBYTE, 'model-00002-of-00003.safetensors': MEBIBYTE, 'model-00003-of-00003.safetensors': MEBIBYTE,
};

let namespace: TestNamespace;
let hub: Hub;
let heir: Promise<Heir>;
beforeAll(async () => {
  namespace = await TestNamespace.create('delivery');
  hub = await Hub.start(namespace);
  const contenders = ['left', 'right'].map((id) => download(id, 'slow/gone', 'gone-store'));
  await namespace.apply(contenders.flat());
  heir = takeOver(contenders.map(jobOf)); // takes a minute, in which the other cases run
  heir.catch(() => undefined);
});
afterAll(async () => {
  await inside('umount', [await folderOf('full-store')]);
  await namespace.delete();
});

const sourceOf = (repository: string): WeightSource => WeightSource.huggingFace(model, { repository, revision: 'v1', trustOnFirstUse: true, endpoint: hub.url });

/** A Job that downloads a repository to a store of this name. */
const download = (id: string, repository: string, storeName = `${id}-store`): Manifest[] => synthesize((chart) => {
  Platform.attach(chart, {});
  new DownloadWeights(chart, id, { store: new ModelStore(chart, storeName, { size: Size.gibibytes(50), storageClassName: 'nfs' }), model, source: sourceOf(repository) });
}).map(onRealNode);

const jobOf = (objects: readonly Manifest[]): string => objects.find(({ kind }) => kind === 'Job')?.metadata.name ?? '';
const podOf = (job: string): Promise<Manifest> => namespace.pod(`job-name=${job}`);
const describeOf = (job: string): Promise<string> => namespace.kubectl('describe', 'pod', '-l', `job-name=${job}`);

/** The folder of the node that stands for a store. */
async function folderOf(store: string): Promise<string> {
  return (await inside('sh', ['-c', 'printf %s "${KUBECONFIG%/*}/volumes/$1"', 'sh', `${namespace.name}-test-${store}`])).stdout;
}

/** What a store holds at its top, and every marker in it. */
async function held(store: string): Promise<string[]> {
  const { stdout } = await inside('sh', ['-c', 'cd "$1" && ls && find . -name .cdk8s-chatglm.json', 'sh', await folderOf(store)]);
  return stdout.trim().split('\n').map((line) => line.replace(/-[0-9a-f]{10}(?=$|[./])/, '-LINEAGE'));
}

async function run(objects: readonly Manifest[]): Promise<string> {
  await namespace.apply(objects);
  return namespace.endOfJob(jobOf(objects));
}

test('the first pod fetches every byte once, the second none and ends within two seconds', async () => {
  expect(await run(download('cold', 'THUDM/twice'))).toBe('Complete');
  expect(await hub.sent('/THUDM/twice/')).toEqual(ONCE);
  const requests = (await hub.seen()).filter((path) => path.includes('THUDM/twice')).length;

  const warm = download('warm', 'THUDM/twice', 'cold-store');
  expect(await run(warm)).toBe('Complete');
  expect(await namespace.kubectl('logs', `job/${jobOf(warm)}`)).toMatch(/^\S+ \S+ INFO fetch_weights: \/artifacts\/cold-store\/chatglm3-6b-\w+ is complete: 11 files, 4\.2 MB\n$/);
  const { startedAt, finishedAt } = (await podOf(jobOf(warm))).status.containerStatuses[0].state.terminated as { startedAt: string; finishedAt: string };
  expect(Date.parse(finishedAt) - Date.parse(startedAt)).toBeLessThanOrEqual(2000);
  expect((await hub.seen()).filter((path) => path.includes('THUDM/twice'))).toHaveLength(requests);
  expect(await held('cold-store')).toEqual(['chatglm3-6b-LINEAGE', 'chatglm3-6b-LINEAGE.first-use.json', './chatglm3-6b-LINEAGE/.cdk8s-chatglm.json']);
});

test('eight replicas on one volume fetch every byte once, and all become ready', async () => {
  await namespace.apply(synthesize((chart) => {
    Platform.attach(chart, {});
    const store = new ModelStore(chart, 'eight-store', { size: Size.gibibytes(50), storageClassName: 'nfs' });
    new InferenceDeployment(chart, 'eight', { model, runtime: Runtime.echo(), replicas: 8, weights: Artifact.downloadedInPod({ store, model, source: sourceOf('slow/eight') }) });
  }).map((object) => impatient(onRealNode(object))));
  await namespace.kubectl('rollout', 'status', 'deployment/test-eight', '--timeout=80s');
  const pods = await namespace.list('pods', 'app.kubernetes.io/instance=test-eight');
  const logs = await Promise.all(pods.map(({ metadata }) => namespace.kubectl('logs', metadata.name, '-c', 'download-chatglm3-6b')));
  expect(logs).toHaveLength(8);
  expect(logs.filter((log) => log.includes(' INFO fetch_weights: fetching 11 files, 4.2 MB, from huggingface slow/eight at '))).toHaveLength(1);
  expect(logs.filter((log) => /waiting: \S+ is being fetched by test-eight-\S+: /.test(log)).length).toBeGreaterThan(0);
  expect(await hub.sent('/slow/eight/')).toEqual(ONCE);
}, 120_000);

test('a corrupt shard fails the Job at once, and nothing is accepted', async () => {
  const objects = download('corrupt', 'corrupt/chatglm3-6b');
  expect(await run(objects)).toBe('PodFailurePolicy');
  expect(await namespace.list('pods', `job-name=${jobOf(objects)}`)).toHaveLength(1);
  const description = await describeOf(jobOf(objects));
  expect(description).toMatch(/Message: .*model-00002-of-00003\.safetensors from huggingface corrupt\/chatglm3-6b at \S+ was wrong twice: sha256 [0-9a-f]{64}, expected [0-9a-f]{64}; the source is damaged .*\n +Exit Code: +23\n/);
  expect(await hub.sent('/corrupt/')).toMatchObject({ 'model-00002-of-00003.safetensors': 2 * MEBIBYTE });
  expect(await held('corrupt-store')).toEqual(['chatglm3-6b-LINEAGE.lease', 'chatglm3-6b-LINEAGE.partial']);
});

test('a full volume fails the Job before a byte is fetched, and says how much is missing; with room it completes', async () => {
  const objects = download('full', 'THUDM/full');
  await namespace.apply(objects.filter(({ kind }) => kind === 'PersistentVolumeClaim'));
  await namespace.eventuallyHas('pvc', 'test-full-store', '{.status.phase}', /^Bound$/);
  const folder = await folderOf('full-store');
  expect(await inside('mount', ['-t', 'tmpfs', '-o', 'size=6m,mode=0777', 'tmpfs', folder])).toEqual({ code: 0, stdout: '', stderr: '' });
  expect(await run(objects)).toBe('PodFailurePolicy');
  const description = await describeOf(jobOf(objects));
  expect(description).toMatch(/Message: +the volume of \S+ has 6\.\d MB free but 4\.2 MB are still to come: 2\.\d MB \(2\d{6} bytes\) are missing; make the volume larger or prune artifacts\n +Exit Code: +24\n/);
  expect(await hub.sent('/THUDM/full/')).toEqual({});

  await inside('mount', ['-o', 'remount,size=64m', folder]);
  await namespace.kubectl('delete', 'job', jobOf(objects));
  expect(await run(objects)).toBe('Complete');
  expect(await hub.sent('/THUDM/full/')).toEqual(ONCE);
});

interface Heir { readonly ends: readonly string[]; readonly seconds: number; readonly log: string }

/** Of two Jobs that want the same weights, the pod that has the lease is killed and deleted without a word. */
async function takeOver(jobs: readonly string[]): Promise<Heir> {
  const [waiter, holder] = await eventually('a pod that waits for the other', async () => {
    const logs = await Promise.all(jobs.map((job) => namespace.kubectl('logs', `job/${job}`)));
    return jobs.flatMap((job, index) => [...(logs[index] ?? '').matchAll(/is being fetched by (\S+): /g)].map(([, name = '']) => [job, name] as const))[0];
  });
  const heirPod = (await podOf(waiter)).metadata.name;
  await signalProcess('KILL', String((await namespace.get('pod', holder)).metadata.uid), 'fetch_weights.py');
  const killed = Date.now();
  await namespace.kubectl('delete', 'pod', holder, '--force', '--grace-period=0');
  const ends = await Promise.all(jobs.map((job) => namespace.endOfJob(job, 100)));
  const log = await namespace.kubectl('logs', heirPod);
  const [, day, time, milliseconds] = /^(\S+) (\S+),(\d+) INFO fetch_weights: fetching 11 files/m.exec(log) ?? [];
  return { ends, log, seconds: (Date.parse(`${day}T${time}.${milliseconds}Z`) - killed) / 1000 };
}

test('when the holder of the lease is killed, the waiting pod goes on within 60 s of its last sign of life', async () => {
  const { ends, seconds, log } = await heir;
  expect(ends).toEqual(['Complete', 'Complete']);
  expect(seconds).toBeGreaterThan(45); // a heartbeat is 10 s, a look 1 s
  expect(seconds).toBeLessThan(75); // with the listing of the files, on a machine that has other work
  expect(log).toMatch(/is being fetched by test-(left|right)-\S+: [^]* fetching 11 files[^]* is complete: 11 files, 4\.2 MB\n$/);
  expect(await held('gone-store')).toEqual(['chatglm3-6b-LINEAGE', 'chatglm3-6b-LINEAGE.first-use.json', './chatglm3-6b-LINEAGE/.cdk8s-chatglm.json']);
}, 150_000);
