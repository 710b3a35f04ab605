// The real MindSpore and MindFormers in a pod, on its CPU. Run by name only: `cluster.sh prepare mindformers`, then `test.sh vendor`.
import { Size } from 'cdk8s';
import {
  Accelerator, Artifact, ArtifactFormat, DatasetKind, DevicePlugin, FinetuneJob, GlmModel, MergeCheckpoint, MindFormersVersion, ModelStore, NodeType, Platform, Predict,
  PrepareDataset, Runtime,
} from '../../index';
import { inside } from './support/cluster';
import { mapPodSpecs, type Manifest, onRealNode } from './support/manifest';
import { TestNamespace } from './support/namespace';
import { synthesize } from './support/synthesize';

let namespace: TestNamespace;
beforeAll(async () => { namespace = await TestNamespace.create('vendor'); });
afterAll(() => namespace.delete());

const IMAGE = 'registry.example.com/vendor/mindformers-cpu:1.1.0';
const pod = (name: string, command: string): string => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}}
spec:
  restartPolicy: Never
  securityContext: {runAsUser: 1000, runAsGroup: 1000, fsGroup: 1000}
  containers:
  - name: c
    image: ${IMAGE}
    command: [sh, -ec, ${JSON.stringify(command)}]
    workingDir: /work
    resources: {requests: {cpu: 1, memory: 2Gi}, limits: {memory: 4Gi}}
    volumeMounts: [{name: work, mountPath: /work}]
  volumes: [{name: work, emptyDir: {}}]
`;

/** Runs a command in the image as the user of the vendors' images, and returns its exit code and log. */
async function run(name: string, command: string): Promise<{ code: number; log: string }> {
  await namespace.apply(pod(name, command));
  const log = await namespace.logOfEnded(name, 150);
  if (/No module named 'mind(spore|formers)'/.test(log)) {
    throw new Error(`the cluster answers ${IMAGE} with its default image: run 'test/cluster/cluster.sh prepare mindformers' and start the cluster after that`);
  }
  const { status } = await namespace.get('pod', name) as unknown as { status: { containerStatuses: { state: { terminated: { exitCode: number } } }[] } };
  return { code: status.containerStatuses[0]?.state.terminated.exitCode ?? -1, log };
}

const finetune = (...more: string[]): string => [
  'options=$(python3 /opt/mindformers/tiny_chatglm3.py /work/tiny);',
  'python3 /opt/mindformers/run_mindformer.py --config configs/glm3/run_glm3_6b_finetune_800T_A2_64G.yaml --run_mode finetune --device_target CPU',
  '--use_parallel False --load_checkpoint "" --train_dataset_dir /work/tiny/train.json --eval_dataset_dir /work/tiny/dev.json --output_dir /work/out',
  '--sink_mode False --epochs 1 --batch_size 2 $options', ...more,
].join(' ');

test('MindSpore checks itself', async () => {
  const { code, log } = await run('check', 'python3 -c "import mindspore; mindspore.set_device(\'CPU\'); mindspore.run_check()"');
  expect(log).toMatch(/^MindSpore version: +2\.7\.0\n[^]*correct, MindSpore has been installed on platform \[CPU\] successfully!$/m);
  expect(code).toBe(0);
}, 180_000);

test('MindFormers finetunes a ChatGLM3 of one layer to a checkpoint that loads', async () => {
  const { code, log } = await run('finetune', `${finetune()}; ls -l out/checkpoint/rank_0
python3 -c "import glob, mindspore; [file] = glob.glob('out/checkpoint/rank_0/*.ckpt'); print(sorted(mindspore.load_checkpoint(file))[-1])"`);
  const losses = [...log.matchAll(/Epoch:\[ +1\/ +1\], step:\[ +(\d)\/ +5\], loss:\[(\d\.\d+)\//g)].map(([, step, loss]) => [Number(step), Number(loss)] as const);
  expect(losses.map(([step]) => step)).toEqual([1, 2, 3, 4, 5]);
  expect(losses.filter(([, loss]) => loss < 5.9 || loss > 6.2)).toEqual([]); // ln(429) is 6.06
  expect(log).toMatch(/\.Training Over!\.[^]*\n-r-------- .* glm3-6b_rank_0-1_5\.ckpt\n/);
  expect(code).toBe(0);
}, 180_000);

test('MindFormers ends with 1 for a key that its configuration has not', async () => {
  const { code, log } = await run('refused', finetune('--model.model_confg.seq_length=128'));
  expect(log).toMatch(/KeyError: "the configuration has no 'model\.model_confg': 'model_confg' is missing"/);
  expect(code).toBe(1);
}, 180_000);

const TINY = {
  num_layers: '1', hidden_size: '64', ffn_hidden_size: '128', kv_channels: '16', num_attention_heads: '4', multi_query_group_num: '2', padded_vocab_size: '429',
};

/** From a checkpoint and data on the store to a fine-tune that answers. */
const workflow = (): Manifest[] => synthesize((chart) => {
  Platform.attach(chart, { nodeTypes: [NodeType.ATLAS_800T_A2], devicePlugins: [DevicePlugin.mindCluster({ version: '26.0' })] });
  const store = new ModelStore(chart, 'store', { size: Size.gibibytes(100), storageClassName: 'nfs' });
  const model = GlmModel.CHATGLM3_6B;
  const existing = (directory: string, format: ArtifactFormat): Artifact => Artifact.existing({ store, directory, format });
  const sourceTree = existing('tree', ArtifactFormat.SOURCE_TREE);
  const checkpoint = existing('base', ArtifactFormat.MINDSPORE);
  const runtime = Runtime.mindFormers({ version: MindFormersVersion.COMMIT_3354237, sourceTree, image: IMAGE, mindSpore: '2.7.0', startChecks: false });
  const dataset = new PrepareDataset(chart, 'dataset', { model, runtime, from: existing('raw', ArtifactFormat.DATASET), kind: DatasetKind.ADGEN, tokenizer: checkpoint });
  const accelerator = Accelerator.ASCEND_910B3;
  const tuned = new FinetuneJob(chart, 'finetune', {
    model, runtime, checkpoint, dataset: dataset.artifact, accelerator, devicesPerNode: 1, epochs: 1, batchSize: 2, skipMemoryCheck: true,
    settings: {
      ...Object.fromEntries(Object.entries(TINY).map(([key, value]) => [`model.model_config.${key}`, value])),
      'runner_wrapper.scale_sense.loss_scale_value': '256', 'train_dataset.num_parallel_workers': '1', 'eval_dataset.num_parallel_workers': '1',
    },
  });
  const merged = new MergeCheckpoint(chart, 'merge', { model, runtime, from: tuned.artifact, base: checkpoint });
  new Predict(chart, 'predict', { model, runtime, weights: merged.artifact, accelerator, prompts: ['类型#裙*颜色#红色'], maxTokens: 16 });
});

/** The words that have MindFormers do without a device and its operators, and with the tiny model where no fine-tune says so. */
const ANSWERING = { ...TINY, use_past: 'False', use_flash_attention: 'False', is_dynamic: 'False', compute_dtype: 'float32', param_init_type: 'float32' };
const SMALL = ['context.device_target=CPU', ...Object.entries(ANSWERING).map(([key, value]) => `model.model_config.${key}=${value}`)].flatMap((setting) => ['--set', setting]);
const onCpu = (object: Manifest): Manifest => mapPodSpecs(onRealNode(object), (spec) => ({
  ...spec,
  containers: (spec.containers as { command: string[] }[]).map((container) => ({
    ...container,
    command: container.command.flatMap((word, index, words) => words[index - 1] === '--use_parallel' ? ['False', '--device_target', 'CPU', '--sink_mode', 'False']
      : word === 'context.max_device_memory=59GB' ? [word, ...SMALL] : [word]),
  })),
}));

const STORE = `
apiVersion: v1
kind: Pod
metadata: {name: prepared}
spec:
  restartPolicy: Never
  containers:
  - name: c
    image: ${IMAGE}
    workingDir: /store
    command: [sh, -ec, ${JSON.stringify(`mkdir tree base raw; cp -RL /opt/mindformers/. tree; ${finetune().replaceAll('/work/', '/store/')}
cp tiny/*.json raw; cp tiny/tokenizer.model base; cp out/checkpoint_network/rank_0/*.ckpt base/glm3_6b.ckpt`)}]
    resources: {requests: {cpu: 1, memory: 2Gi}}
    volumeMounts: [{name: store, mountPath: /store}]
  volumes: [{name: store, persistentVolumeClaim: {claimName: test-store}}]
`;

test('a synthesized fine-tune ends in a merged checkpoint that answers', async () => {
  const objects = workflow().map(onCpu);
  await namespace.apply(objects.filter(({ kind }) => kind === 'PersistentVolumeClaim'));
  await namespace.apply(STORE);
  expect(await namespace.logOfEnded('prepared', 200)).toMatch(/\.Training Over!\./);
  await namespace.apply(objects);
  const ends = await Promise.all(objects.filter(({ kind }) => kind === 'Job').map(async ({ metadata: { name } }) => [name.slice(5, -9), await namespace.endOfJob(name, 300)]));
  expect(ends).toEqual([['dataset', 'Complete'], ['finetune', 'Complete'], ['merge', 'Complete'], ['predict', 'Complete']]);
  const onStore = async (command: string): Promise<string> => (await inside('sh', ['-c', `cd "\${KUBECONFIG%/*}/volumes/${namespace.name}-test-store" && ${command}`])).stdout;
  expect(await onStore('ls merge-*')).toMatch(/glm3_6b\.ckpt\ntokenizer\.model\n$/);
  const [answer] = (await onStore('cat predict-*/answers.jsonl')).trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(JSON.stringify(answer)).toContain('类型#裙*颜色#红色');
}, 600_000);
