// The real MindSpore and MindFormers in a pod, on its CPU. Run by name only: `cluster.sh prepare mindformers`, then `test.sh vendor`.
import { TestNamespace } from './support/namespace';

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
