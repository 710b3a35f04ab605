import { inside, kubectl } from './cluster';
import { eventually } from './eventually';
import { type Manifest, parse, print } from './manifest';
import type { Outcome } from './process';

/** A namespace of one test. */
export class TestNamespace {
  /** Makes a namespace whose name starts like this. */
  public static async create(prefix: string, labels: Record<string, string> = {}): Promise<TestNamespace> {
    const name = `${prefix}-${Math.random().toString(36).slice(2, 8)}`;
    await kubectl(['create', '-f', '-'], print([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } }]));
    await eventually(`service account of ${name}`, () => kubectl(['-n', name, 'get', 'sa', 'default']));
    return new TestNamespace(name);
  }

  private constructor(public readonly name: string) {}

  /** Deletes the namespace and everything in it, without waiting for the end. */
  public async delete(): Promise<void> {
    await kubectl(['-n', this.name, 'delete', 'pod', '--all', '--wait=false', '--grace-period=1']);
    await kubectl(['delete', 'namespace', this.name, '--wait=false']);
  }

  /** Runs kubectl in this namespace; throws when it fails. */
  public kubectl(...args: string[]): Promise<string> {
    return kubectl(['-n', this.name, ...args]);
  }

  /** Runs kubectl in this namespace, with text on its standard input; a failure is an outcome. */
  public attempt(args: readonly string[], input?: string): Promise<Outcome> {
    return inside('kubectl', ['-n', this.name, ...args], input);
  }

  /** Applies objects with strict field validation; their own namespaces are replaced by this one. */
  public async apply(objects: string | readonly Manifest[]): Promise<string> {
    const list = typeof objects === 'string' ? parse(objects) : objects;
    return kubectl(['-n', this.name, 'apply', '--validate=strict', '-f', '-'], print(list.map((object) => this.placed(object))));
  }

  /** The object with this namespace instead of its own. */
  public placed(object: Manifest): Manifest {
    return object.metadata.namespace === undefined ? object : { ...object, metadata: { ...object.metadata, namespace: this.name } };
  }

  /** One object as JSON. */
  public async get(resource: string, name: string): Promise<Manifest> {
    return JSON.parse(await this.kubectl('get', resource, name, '-o', 'json')) as Manifest;
  }

  /** All objects of a resource, by label if given. */
  public async list(resource: string, selector = ''): Promise<Manifest[]> {
    const list = JSON.parse(await this.kubectl('get', resource, '-l', selector, '-o', 'json')) as { items: Manifest[] };
    return list.items;
  }

  /** The one pod with these labels. */
  public async pod(selector: string): Promise<Manifest> {
    const pods = await this.list('pods', selector);
    if (pods.length !== 1 || pods[0] === undefined) {
      throw new Error(`there are ${String(pods.length)} pods with ${selector}, not one`);
    }
    return pods[0];
  }

  /** Waits until the jsonpath of an object matches. */
  public eventuallyHas(resource: string, name: string, jsonpath: string, pattern: RegExp, seconds?: number): Promise<string> {
    return eventually(`${resource}/${name} ${jsonpath} like ${String(pattern)}`, async () => {
      const value = await this.kubectl('get', resource, name, '-o', `jsonpath=${jsonpath}`);
      if (!pattern.test(value)) {
        throw new Error(`it is '${value}'`);
      }
      return value;
    }, seconds);
  }

  /** Waits until a Job ended, and returns how: `Complete` or the reason of its failure. */
  public endOfJob(name: string, seconds = 80): Promise<string> {
    return eventually(`end of job ${name}`, async () => {
      const { status } = await this.get('job', name) as unknown as { status: { conditions?: { type: string; status: string; reason?: string }[] } };
      const end = status.conditions?.find((condition) => condition.status === 'True' && ['Complete', 'Failed'].includes(condition.type));
      return end === undefined ? undefined : end.type === 'Complete' ? 'Complete' : end.reason;
    }, seconds);
  }

  /** Waits until pods ended, and returns their logs in the same order. */
  public async logsOfEnded(pods: readonly string[], seconds?: number): Promise<string[]> {
    await eventually('end of all pods', async () => {
      const ended = (await this.list('pods')).filter(({ status }) => /Succeeded|Failed/.test(String(status.phase))).map(({ metadata }) => metadata.name);
      return pods.every((pod) => ended.includes(pod)) ? true : undefined;
    }, seconds);
    const logs: string[] = [];
    for (const pod of pods) {
      logs.push(await this.kubectl('logs', pod, '--all-containers'));
    }
    return logs;
  }

  /** Waits until a pod ended, and returns its log. */
  public async logOfEnded(pod: string, seconds?: number): Promise<string> {
    await this.eventuallyHas('pod', pod, '{.status.phase}', /Succeeded|Failed/, seconds);
    return this.kubectl('logs', pod, '--all-containers');
  }

  /** Waits until what kubectl logs prints matches. */
  public eventuallyLogs(target: string, pattern: RegExp, ...args: string[]): Promise<string> {
    return eventually(`log of ${target} like ${String(pattern)}`, async () => {
      const log = await this.kubectl('logs', target, ...args);
      if (!pattern.test(log)) {
        throw new Error(`it is '${log}'`);
      }
      return log;
    });
  }

  /** Waits until an event of this reason has a message that matches, and returns the message. */
  public eventuallyEvent(reason: string, pattern: RegExp): Promise<string> {
    return eventually(`event ${reason} like ${String(pattern)}`, async () => {
      const messages = await this.kubectl('get', 'events', '--field-selector', `reason=${reason}`, '-o', 'jsonpath={range .items[*]}{.message}{"\\n"}{end}');
      const message = messages.split('\n').find((line) => pattern.test(line));
      if (message === undefined) {
        throw new Error(`messages are '${messages}'`);
      }
      return message;
    });
  }

  /** GET through the API server's proxy to a Service, which may be a moment behind the pod's readiness. */
  public fetch(service: string, path: string): Promise<string> {
    return eventually(`GET ${service}${path}`, () => kubectl(['get', '--raw', `/api/v1/namespaces/${this.name}/services/${service}/proxy${path}`]), 15);
  }
}
