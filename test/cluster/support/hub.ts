import { kubectl } from './cluster';
import { atHub } from './hub-addresses';
import type { Manifest } from './manifest';
import type { TestNamespace } from './namespace';

/** The hub of a namespace: every repository, file and archive there could be, small. Its token is `right`. */
export class Hub {
  /** Starts the hub. */
  public static async start(namespace: TestNamespace): Promise<Hub> {
    await namespace.apply(`
apiVersion: v1
kind: Pod
metadata: {name: hub, labels: {app: hub}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: hub
    image: registry.example.com/hub:v1
    command: [python3, /opt/hub/hub.py]
    env: [{name: HUB_TOKEN, value: right}]
    readinessProbe: {httpGet: {path: /seen, port: 80}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: hub}
spec: {selector: {app: hub}, ports: [{name: http, port: 80}]}
`);
    await namespace.kubectl('wait', '--for=condition=Ready', 'pod/hub', '--timeout=60s');
    return new Hub(namespace);
  }

  /** Where the hub is, for pods. */
  public readonly url: string;

  private constructor(private readonly namespace: TestNamespace) {
    this.url = `http://hub.${namespace.name}`;
  }

  /** The paths that were asked for so far. */
  public async seen(): Promise<string[]> {
    return (await this.get('/seen')).trim().split('\n');
  }

  /** The bytes that were sent so far of the files of a repository or link, by the last part of their paths. */
  public async sent(prefix: string): Promise<Record<string, number>> {
    const all = JSON.parse(await this.get('/sent')) as Record<string, number>;
    return Object.fromEntries(Object.entries(all).filter(([path]) => path.startsWith(prefix)).map(([path, bytes]) => [path.split('/').at(-1), bytes]));
  }

  /** The object with every address of the outside world in its commands replaced by one of the hub's. */
  public instead(object: Manifest): Manifest {
    return atHub(object, this.url);
  }

  private get(path: string): Promise<string> {
    return kubectl(['get', '--raw', `/api/v1/namespaces/${this.namespace.name}/services/hub:http/proxy${path}`]);
  }
}
