// The serving examples on the real node: weights from the hub, devices, readiness, answers, recovery.
import { inside } from './support/cluster';
import { eventually } from './support/eventually';
import { example } from './support/examples';
import { Hub } from './support/hub';
import { type Manifest, onRealNode, impatient } from './support/manifest';
import { TestNamespace } from './support/namespace';

let namespace: TestNamespace;
let hub: Hub;
beforeAll(async () => {
  namespace = await TestNamespace.create('serving');
  hub = await Hub.start(namespace);
});
afterAll(() => namespace.delete());

const prepared = (name: string): Manifest[] => example(name).map((object) => impatient(onRealNode(hub.instead(object))));
const podOf = (instance: string): Promise<Manifest> => namespace.pod(`app.kubernetes.io/instance=${instance}`);

/** POSTs to a Service's chat API and returns the answer's text. */
async function chat(service: string, model: string, content: string): Promise<string> {
  const body = JSON.stringify({ model, messages: [{ role: 'user', content }] });
  const script = `import sys, urllib.request; r = urllib.request.Request("http://${service}.${namespace.name}.svc.cluster.local/v1/chat/completions", sys.argv[1].encode(), {"Content-Type": "application/json"}); print(urllib.request.urlopen(r, timeout=20).read().decode())`;
  // kube-proxy may be a moment behind the pod's readiness
  const stdout = await eventually(`answer of ${service}`, () => namespace.kubectl('exec', 'hub', '--', 'python3', '-c', script, body), 15);
  return (JSON.parse(stdout) as { choices: [{ message: { content: string } }] }).choices[0].message.content;
}

/** Stops the first process of a pod's container that runs this file, from outside, for a server that hangs. */
async function freeze(uid: string, file: string): Promise<void> {
  const { code, stderr } = await inside('sh', ['-c', `for p in /proc/[0-9]*; do grep -qs ${uid} $p/cgroup && tr '\\0' ' ' <$p/cmdline | grep -q "${file}" && kill -STOP \${p#/proc/} && exit 0; done; exit 1`]);
  expect([code, stderr]).toEqual([0, '']);
}

test('the quickstart answers through its Service on any node', async () => {
  await namespace.apply(prepared('quickstart'));
  await namespace.kubectl('rollout', 'status', 'deployment/quickstart-chat', '--timeout=80s');
  expect(await namespace.list('pods', 'app.kubernetes.io/instance=quickstart-chat')).toHaveLength(2);
  expect(JSON.parse(await namespace.fetch('quickstart-chat:http', '/v1/models'))).toMatchObject({ data: [{ id: 'chatglm3-6b' }] });
  expect(await chat('quickstart-chat', 'chatglm3-6b', 'hello')).toMatch(/hello/);
});

describe('serve-chatglm2-ascend', () => {
  const SERVICE = 'serve-chatglm2-ascend-chat';

  test('its init container downloads the weights, and it becomes ready with its device', async () => {
    await namespace.apply(prepared('serve-chatglm2-ascend'));
    await namespace.kubectl('rollout', 'status', `deployment/${SERVICE}`, '--timeout=80s');
    expect(await chat(SERVICE, 'chatglm2-6b', '你好')).toMatch(/你好/);
    expect((await hub.seen()).filter((path) => path.startsWith('/THUDM/chatglm2-6b/resolve/4e38bef4c028beafc8fb1837462f74c02e68fcc2/')).map((path) => path.split('/').pop()))
      .toEqual(expect.arrayContaining(['config.json', 'tokenizer.model', 'pytorch_model-00001-of-00003.bin']));
    const environment = await namespace.kubectl('exec', `deployment/${SERVICE}`, '-c', 'serve', '--', 'sh', '-c', 'tr "\\0" "\\n" </proc/1/environ; ls /dev; npu-smi info -m');
    expect(environment).toMatch(/^ASCEND_VISIBLE_DEVICES=Ascend310P-7$[^]*^davinci7$[^]*Ascend 310P3$/m);
    // what the pod says wins over set_env.sh, and lists are joined
    expect(environment).toMatch(/^TASK_QUEUE_ENABLE=1$/m);
    expect(environment).toMatch(/^LD_LIBRARY_PATH=.*nnal\/atb\/latest.*ascend-toolkit/m);
  }, 120_000);

  test('comes back after its pod is deleted, without a second download', async () => {
    const before = await podOf(SERVICE);
    const seen = (await hub.seen()).length;
    await namespace.kubectl('delete', 'pod', before.metadata.name);
    await namespace.kubectl('rollout', 'status', `deployment/${SERVICE}`, '--timeout=80s');
    const after = await eventually('one pod', () => podOf(SERVICE));
    expect(after.metadata.name).not.toBe(before.metadata.name);
    expect(await hub.seen()).toHaveLength(seen);
    expect(await namespace.kubectl('logs', after.metadata.name, '-c', 'download-chatglm2-6b')).toMatch(/^\S+ \S+ INFO fetch_weights: \/artifacts\/store\/chatglm2-6b-\w+ is complete: 11 files, 4\.2 MB\n$/);
  }, 120_000);

  test('is restarted when it hangs', async () => {
    const pod = await podOf(SERVICE);
    await freeze(String(pod.metadata.uid), 'serve_model.py');
    await namespace.eventuallyHas('pod', pod.metadata.name, '{.status.containerStatuses[0].restartCount} {.status.containerStatuses[0].ready}', /^1 true$/, 100);
    expect(await chat(SERVICE, 'chatglm2-6b', 'again')).toMatch(/again/);
  }, 150_000);
});

test('serve-chatglm-cambricon waits for its weights, then serves', async () => {
  const objects = prepared('serve-chatglm-cambricon');
  const download = objects.filter(({ kind }) => kind === 'Job');
  await namespace.apply(objects.filter(({ kind }) => kind !== 'Job'));
  await namespace.eventuallyLogs('deployment/serve-chatglm-cambricon-chat', /waiting for .*chatglm-6b-/i, '-c', 'wait-for-artifacts');
  await namespace.apply(download);
  await namespace.kubectl('rollout', 'status', 'deployment/serve-chatglm-cambricon-chat', '--timeout=80s');
  expect(await chat('serve-chatglm-cambricon-chat', 'chatglm-6b', 'hello')).toMatch(/hello/);
  expect(await namespace.kubectl('exec', 'deployment/serve-chatglm-cambricon-chat', '-c', 'serve', '--', 'cnmon', 'info')).toMatch(/Product Name +: MLU370-X8/);
}, 150_000);

test('serve-chatglm3-sophon has its chip as number 0 and the node\'s libsophon', async () => {
  await namespace.apply(prepared('serve-chatglm3-sophon'));
  await namespace.kubectl('rollout', 'status', 'deployment/serve-chatglm3-sophon-chat', '--timeout=80s');
  expect(await chat('serve-chatglm3-sophon-chat', 'chatglm3-6b', 'hello')).toMatch(/hello/);
  expect(await namespace.kubectl('exec', 'deployment/serve-chatglm3-sophon-chat', '-c', 'serve', '--', 'sh', '-c', 'ls /dev | grep bm; /opt/sophon/libsophon-current/bin/bm-smi')).toMatch(/^bm-sophon0\nbmdev-ctl\n[^]*1684X-SC7/);
}, 120_000);
