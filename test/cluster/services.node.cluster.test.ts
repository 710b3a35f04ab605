// Serving and meeting: Services, DNS, probes, drain, Jobs that find each other.
import { TestNamespace } from './support/namespace';

let namespace: TestNamespace;
beforeAll(async () => { namespace = await TestNamespace.create('services'); });
afterAll(() => namespace.delete());

const SERVER = `
import http.server, os, signal, sys, threading, time
started = time.time()
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        ready = time.time() - started > 2 and not os.path.exists("/tmp/sick")
        self.send_response(200 if ready else 503); self.end_headers(); self.wfile.write(b"served by a fake model")
    def log_message(self, *a): pass
server = http.server.ThreadingHTTPServer(("", 8000), Handler)
def end(*_):
    print("SIGTERM seen, draining", flush=True); threading.Thread(target=server.shutdown).start()
signal.signal(signal.SIGTERM, end)
shm = os.statvfs("/dev/shm"); print("shm MiB", shm.f_blocks * shm.f_frsize >> 20, "uid", os.getuid(), flush=True)
server.serve_forever(); print("clean exit", flush=True)
`;
const indent = (text: string, by: number): string => text.trim().replace(/^/gm, ' '.repeat(by));
const SERVE = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: serve}
spec:
  strategy: {type: Recreate}
  selector: {matchLabels: {app: serve}}
  template:
    metadata: {labels: {app: serve}}
    spec:
      terminationGracePeriodSeconds: 20
      securityContext: {runAsNonRoot: true, runAsUser: 1000, fsGroup: 1000, seccompProfile: {type: RuntimeDefault}}
      containers:
      - name: server
        image: registry.example.com/server:v1
        imagePullPolicy: Always
        command: [python3, -c]
        args:
        - |
${indent(SERVER, 10)}
        securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
        resources: {requests: {cpu: 100m, memory: 512Mi}, limits: {memory: 512Mi, huawei.com/ascend-1980: 4}}
        startupProbe: {httpGet: {path: /, port: 8000}, periodSeconds: 1, failureThreshold: 30}
        readinessProbe: {httpGet: {path: /, port: 8000}, periodSeconds: 1}
        livenessProbe: {httpGet: {path: /, port: 8000}, periodSeconds: 1, failureThreshold: 3}
        lifecycle: {preStop: {exec: {command: [sh, -c, "echo prestop > /proc/1/fd/1; sleep 1"]}}}
        volumeMounts: [{name: shm, mountPath: /dev/shm}]
      volumes: [{name: shm, emptyDir: {medium: Memory, sizeLimit: 256Mi}}]
---
apiVersion: v1
kind: Service
metadata: {name: serve}
spec: {selector: {app: serve}, ports: [{name: http, port: 80, targetPort: 8000}]}
`;

describe('a Deployment with a Service', () => {
  beforeAll(async () => {
    await namespace.apply(SERVE);
    await namespace.kubectl('rollout', 'status', 'deployment/serve', '--timeout=60s');
  });

  test('becomes ready and answers through its Service', async () => {
    expect(await namespace.fetch('serve:http', '/')).toBe('served by a fake model');
    expect(await namespace.kubectl('logs', 'deployment/serve')).toBe('shm MiB 256 uid 1000\n');
  });

  test('is reached from a pod by name, by cluster IP and through the API', async () => {
    await namespace.apply(`
apiVersion: v1
kind: Pod
metadata: {name: client}
spec:
  restartPolicy: Never
  containers:
  - name: c
    image: registry.example.com/client:v1
    command:
    - python3
    - -c
    - |
      import os, ssl, urllib.request
      sa = "/var/run/secrets/kubernetes.io/serviceaccount/"
      tls, token = ssl.create_default_context(cafile=sa + "ca.crt"), {"Authorization": "Bearer " + open(sa + "token").read()}
      for host in "serve", "serve.${namespace.name}.svc.cluster.local", os.environ["SERVE_SERVICE_HOST"]:
          print(urllib.request.urlopen("http://" + host, timeout=5).read().decode())
      try: urllib.request.urlopen(urllib.request.Request("https://kubernetes.default.svc/api/v1/secrets", headers=token), context=tls, timeout=5)
      except Exception as error: print(error)
`);
    expect(await namespace.logOfEnded('client')).toBe(`${'served by a fake model\n'.repeat(3)}HTTP Error 403: Forbidden\n`);
  });

  test('restarts when its liveness probe fails', async () => {
    await namespace.kubectl('exec', 'deployment/serve', '--', 'touch', '/tmp/sick');
    const pod = await namespace.pod('app=serve');
    await namespace.eventuallyHas('pod', pod.metadata.name, '{.status.containerStatuses[0].restartCount}', /^1$/);
    await namespace.kubectl('rollout', 'status', 'deployment/serve', '--timeout=60s');
  });

  test('drains when its pod is deleted, and comes back', async () => {
    const pod = await namespace.pod('app=serve');
    const log = namespace.kubectl('logs', '-f', pod.metadata.name);
    await namespace.kubectl('delete', 'pod', pod.metadata.name);
    expect(await log).toBe('shm MiB 256 uid 1000\nprestop\nSIGTERM seen, draining\nclean exit\n');
    await namespace.kubectl('rollout', 'status', 'deployment/serve', '--timeout=60s');
  });
});

test('two pods of an Indexed Job meet at the first one\'s name', async () => {
  await namespace.apply(`
apiVersion: v1
kind: Service
metadata: {name: train}
spec: {clusterIP: None, publishNotReadyAddresses: true, selector: {job-name: train}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: train}
spec:
  completionMode: Indexed
  completions: 2
  parallelism: 2
  template:
    spec:
      subdomain: train
      restartPolicy: Never
      containers:
      - name: c
        image: registry.example.com/train:v1
        command:
        - python3
        - -c
        - |
          import os, socket, time
          if os.environ["JOB_COMPLETION_INDEX"] == "0":
              server = socket.create_server(("", 29500)); peer, _ = server.accept(); peer.sendall(b"hello from rank 0"); peer.close()
          else:
              for _ in range(100):
                  try: print(socket.create_connection(("train-0.train", 29500)).recv(99).decode()); break
                  except OSError: time.sleep(0.2)
        resources: {limits: {huawei.com/Ascend910C: 1}}
`);
  await namespace.kubectl('wait', '--for=condition=Complete', 'job/train', '--timeout=60s');
  expect(await namespace.kubectl('logs', '-l', 'batch.kubernetes.io/job-completion-index=1')).toBe('hello from rank 0\n');
});

test('a Job ends at once at an exit code that its podFailurePolicy names', async () => {
  await namespace.apply(`
apiVersion: batch/v1
kind: Job
metadata: {name: fails}
spec:
  backoffLimit: 6
  podFailurePolicy: {rules: [{action: FailJob, onExitCodes: {operator: In, values: [42]}}]}
  template: {spec: {restartPolicy: Never, containers: [{name: c, image: "registry.example.com/x:v1", command: [sh, -c, "exit 42"]}]}}
`);
  await namespace.eventuallyHas('job', 'fails', '{.status.conditions[?(@.type=="Failed")].reason}', /^PodFailurePolicy$/);
});
