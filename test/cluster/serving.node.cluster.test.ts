// The serving examples on the real node: weights from the hub, devices, readiness, answers, recovery.
import * as path from 'node:path';
import { chat } from './support/chat';
import { inside } from './support/cluster';
import { eventually } from './support/eventually';
import { example } from './support/examples';
import { Hub } from './support/hub';
import { type Manifest, onRealNode, impatient } from './support/manifest';
import { TestNamespace } from './support/namespace';
import { signalProcess } from './support/pod-process';
import { run } from './support/process';

let namespace: TestNamespace;
let hub: Hub;
beforeAll(async () => {
  namespace = await TestNamespace.create('serving');
  hub = await Hub.start(namespace);
});
afterAll(() => namespace.delete());

const prepared = (name: string): Manifest[] => example(name).map((object) => impatient(onRealNode(hub.instead(object))));
const podOf = (instance: string): Promise<Manifest> => namespace.pod(`app.kubernetes.io/instance=${instance}`);

test('the quickstart answers through its Service on any node', async () => {
  await namespace.apply(prepared('quickstart'));
  await namespace.kubectl('rollout', 'status', 'deployment/quickstart-chat', '--timeout=80s');
  expect(await namespace.list('pods', 'app.kubernetes.io/instance=quickstart-chat')).toHaveLength(2);
  expect(JSON.parse(await namespace.fetch('quickstart-chat:http', '/v1/models'))).toMatchObject({ data: [{ id: 'chatglm3-6b' }] });
  expect(await chat(namespace, 'quickstart-chat', 'chatglm3-6b', 'hello')).toMatch(/hello/);
});

const CLIENT = `
import sys
from openai import OpenAI
client = OpenAI(base_url=sys.argv[1], api_key="none", max_retries=0, timeout=20)
print([model.id for model in client.models.list()])
ask = dict(model="chatglm3-6b", messages=[{"role": "user", "content": "hello from a client"}])
print(client.chat.completions.create(**ask).choices[0].message.content)
print("".join(chunk.choices[0].delta.content or "" for chunk in client.chat.completions.create(**ask, stream=True)))
`;

test('OpenAI\'s own client talks to the quickstart through its Service', async () => {
  const { stdout: bin } = await run('sh', ['-c', `cd ${path.join(__dirname, '..', 'clients')} && sh ../venv.sh requirements.txt`]);
  const { code, stdout, stderr } = await inside(`${bin.trim()}/python`, ['-c', CLIENT, `http://quickstart-chat.${namespace.name}.svc.cluster.local/v1`]);
  expect([code, stderr]).toEqual([0, '']);
  const [models, answer, streamed] = stdout.trim().split('\n');
  expect(models).toBe('[\'chatglm3-6b\']');
  expect(answer).toMatch(/hello from a client/);
  expect(streamed).toBe(answer);
}, 120_000);

describe('serve-chatglm2-ascend', () => {
  const SERVICE = 'serve-chatglm2-ascend-chat';

  test('its init container downloads the weights, and it becomes ready with its device', async () => {
    await namespace.apply(prepared('serve-chatglm2-ascend'));
    await namespace.kubectl('rollout', 'status', `deployment/${SERVICE}`, '--timeout=80s');
    expect(await chat(namespace, SERVICE, 'chatglm2-6b', '你好')).toMatch(/你好/);
    expect((await hub.seen()).filter((path) => path.startsWith('/THUDM/chatglm2-6b/resolve/4e38bef4c028beafc8fb1837462f74c02e68fcc2/')).map((path) => path.split('/').pop()))
      .toEqual(expect.arrayContaining(['config.json', 'tokenizer.model', 'pytorch_model-00001-of-00003.bin']));
    const environment = await namespace.kubectl('exec', `deployment/${SERVICE}`, '-c', 'serve', '--', 'sh', '-c', 'tr "\\0" "\\n" </proc/1/environ; ls /dev; npu-smi info -m');
    expect(environment).toMatch(/^ASCEND_VISIBLE_DEVICES=Ascend310P-7$[^]*^davinci7$[^]*Ascend 310P3$/m);
    // what the pod says wins over set_env.sh, and lists are joined
    expect(environment).toMatch(/^TASK_QUEUE_ENABLE=1$/m);
    expect(environment).toMatch(/^LD_LIBRARY_PATH=.*nnal\/atb\/latest.*ascend-toolkit.*:\/usr\/local\/Ascend\/driver\/lib64\/driver:\/usr\/local\/Ascend\/driver\/lib64\/common$/m);
  }, 120_000);

  test('comes back after its pod is deleted, without a second download', async () => {
    const before = await podOf(SERVICE);
    const seen = (await hub.seen()).length;
    await namespace.kubectl('delete', 'pod', before.metadata.name);
    await namespace.kubectl('rollout', 'status', `deployment/${SERVICE}`, '--timeout=80s');
    const after = await eventually('one pod', () => podOf(SERVICE));
    expect(after.metadata.name).not.toBe(before.metadata.name);
    expect(await hub.seen()).toHaveLength(seen);
    expect(await namespace.kubectl('logs', after.metadata.name, '-c', 'download-chatglm2-6b')).toMatch(/^\S+ \S+ INFO fetch_weights: \/artifacts\/store\/chatglm2-6b-\w+ is complete: 12 files, 4\.2 MB\n$/);
  }, 120_000);

  test('is restarted when it hangs', async () => {
    const pod = await podOf(SERVICE);
    await signalProcess('STOP', String(pod.metadata.uid), 'serve_model.py');
    await namespace.eventuallyHas('pod', pod.metadata.name, '{.status.containerStatuses[0].restartCount} {.status.containerStatuses[0].ready}', /^1 true$/, 100);
    expect(await chat(namespace, SERVICE, 'chatglm2-6b', 'again')).toMatch(/again/);
  }, 150_000);
});

describe('serve-chatglm3-mindie', () => {
  const SERVICE = 'serve-chatglm3-mindie-chat';
  const ASK = `
import json, sys, urllib.request
body = {"model": "chatglm3-6b", "max_tokens": int(sys.argv[2]), "messages": [{"role": "user", "content": "a long question"}]}
request = urllib.request.Request(f"http://{sys.argv[1]}:8000/v1/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"})
print(json.load(urllib.request.urlopen(request, timeout=30))["choices"][0]["message"]["content"])
`;
  const METRICS = 'import os, urllib.request; print(urllib.request.urlopen(f"http://{os.environ[\'MIES_CONTAINER_MANAGEMENT_IP\']}:1027/metrics").read().decode())';

  test('its daemon starts although the first process leads a session, answers and is measured', async () => {
    await namespace.apply(prepared('serve-chatglm3-mindie'));
    await namespace.kubectl('rollout', 'status', `deployment/${SERVICE}`, '--timeout=110s');
    expect(await chat(namespace, SERVICE, 'chatglm3-6b', '你好')).toBe('你好');
    expect(await namespace.kubectl('exec', `deployment/${SERVICE}`, '-c', 'serve', '--', 'python3', '-c', 'import os; print(os.getsid(1))')).toBe('1\n');
    expect(await namespace.kubectl('exec', `deployment/${SERVICE}`, '-c', 'serve', '--', 'python3', '-c', METRICS)).toMatch(/^num_requests_waiting\{model_name="chatglm3-6b"\} 0$/m);
  }, 150_000);

  test('answers what it has when its pod is deleted, then ends well', async () => {
    const [pod] = await namespace.list('pods', `app.kubernetes.io/instance=${SERVICE}`);
    const { metadata: { name }, status: { podIP } } = pod!;
    const log = namespace.kubectl('logs', '-f', name, '-c', 'serve', '--tail=-1');
    // 7 seconds, of which the server goes on taking requests for 5
    const answer = namespace.kubectl('exec', 'hub', '--', 'python3', '-c', ASK, String(podIP), '140');
    await namespace.eventuallyLogs(name, /POST \/v1\/chat\/completions/, '-c', 'serve');
    await namespace.kubectl('delete', 'pod', name, '--wait=false');
    expect(await answer).toBe('a long question\n');
    expect((await log).split('\n').filter((line) => line.includes('start_mindie')).map((line) => line.replace(/^.*start_mindie: /, '')).slice(-3)).toEqual([
      'told to stop: requests are taken for 5 s more, until the Service has forgotten this pod', 'no more requests are taken; those that run get 120 s', 'all requests are answered',
    ]);
    await namespace.kubectl('rollout', 'status', `deployment/${SERVICE}`, '--timeout=60s');
  }, 100_000);
});

test('serve-chatglm-cambricon waits for its weights, then serves', async () => {
  const objects = prepared('serve-chatglm-cambricon');
  const download = objects.filter(({ kind }) => kind === 'Job');
  await namespace.apply(objects.filter(({ kind }) => kind !== 'Job'));
  await namespace.eventuallyLogs('deployment/serve-chatglm-cambricon-chat', /waiting for .*chatglm-6b-/i, '-c', 'wait-for-artifacts');
  await namespace.apply(download);
  await namespace.kubectl('rollout', 'status', 'deployment/serve-chatglm-cambricon-chat', '--timeout=80s');
  expect(await chat(namespace, 'serve-chatglm-cambricon-chat', 'chatglm-6b', 'hello')).toMatch(/hello/);
  expect(await namespace.kubectl('exec', 'deployment/serve-chatglm-cambricon-chat', '-c', 'serve', '--', 'cnmon', 'info')).toMatch(/Product Name +: MLU370-X8/);
}, 150_000);

test('serve-chatglm3-sophon has its chip as number 0 and its image\'s libsophon, which no folder of the node hides', async () => {
  await namespace.apply(prepared('serve-chatglm3-sophon'));
  await namespace.kubectl('rollout', 'status', 'deployment/serve-chatglm3-sophon-chat', '--timeout=80s');
  expect(await chat(namespace, 'serve-chatglm3-sophon-chat', 'chatglm3-6b', 'hello')).toMatch(/hello/);
  expect(await namespace.kubectl('exec', 'deployment/serve-chatglm3-sophon-chat', '-c', 'serve', '--', 'sh', '-c', 'ls /dev | grep bm; ls /opt/sophon/libsophon-current')).toBe('bm-sophon0\nbmdev-ctl\nlib\n');
}, 120_000);
