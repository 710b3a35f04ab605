import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';

import type { V1Container, V1EnvVar, V1PodSpec, V1Volume } from '@kubernetes/client-node';

import type { Manifest } from '../../cluster/support/manifest';
import { killContainer, nameOf } from './container-processes';
import { type Places, rewrite, Volumes } from './pod-paths';

/** How a pod ended. */
export interface End {
  /** The container that ended it: the main one, or the init container that failed. */
  readonly container: string;
  readonly code: number;
  readonly log: string;
  /** The main container's termination message. */
  readonly message: string;
}

/** What stands for an image, and when a pod is killed. */
export interface RunOptions {
  /** Files of the image, by their path in it. */
  readonly image?: Places;
  /** Further environment of the image; its PATH goes before this machine's. */
  readonly env?: Readonly<Record<string, string>>;
  /** Kills the main container with SIGKILL when its log matches. */
  readonly killWhen?: Moment;
}

/** What a log says at a moment, so many times (default 1). */
export interface Moment {
  readonly says: RegExp;
  readonly times?: number;
}

/**
 * Runs the pods of synthesized Jobs as processes of this machine, init containers first: their own commands, environment, volumes and
 * ConfigMaps, with the paths of the pod put where they are here. There is no isolation, and no device.
 */
export class Machine {
  private readonly volumes: Volumes;

  public constructor(private readonly root: string, private readonly manifests: readonly Manifest[], private readonly tools: string) {
    this.volumes = new Volumes(root);
  }

  /** A file on a claim. */
  public file(claim: string, ...names: string[]): string {
    return path.join(this.volumes.claim(claim), ...names);
  }

  /** Runs a workload's pod to its end. Each call is another pod: nothing but the claims is kept. */
  public async run(workload: Manifest, attempt: number, options: RunOptions = {}): Promise<End> {
    const spec = (workload.spec as unknown as { template: { spec: V1PodSpec } }).template.spec;
    const pod = `${workload.metadata.name}-${String(attempt)}`;
    let last: End | undefined;
    for (const container of [...spec.initContainers ?? [], ...spec.containers]) {
      const isMain = container === spec.containers[0];
      last = await this.runContainer(container, spec, pod, isMain ? options : { ...options, killWhen: undefined });
      if (last.code !== 0) {
        return last;
      }
    }
    return last!;
  }

  private async runContainer(container: V1Container, spec: V1PodSpec, pod: string, options: RunOptions): Promise<End> {
    const places = new Map([...options.image ?? [], ...this.mounts(container, spec, pod)]);
    const message = path.join(this.root, 'pods', pod, `termination-${container.name}`);
    mkdirSync(path.dirname(message), { recursive: true });
    const env = this.environment(container.env ?? [], pod, places);
    const words = impatient((container.command ?? []).map((word) => rewrite(expand(word, env), places)));
    const folder = path.join(this.root, 'pods', pod, 'cwd');
    mkdirSync(folder, { recursive: true });
    const child = spawn(words[0]!, words.slice(1), {
      cwd: folder, detached: true,
      env: {
        PATH: [this.tools, options.env?.PATH, process.env.PATH].filter(Boolean).join(':'), HOME: folder, LC_ALL: 'C.UTF-8', PYTHONDONTWRITEBYTECODE: '1',
        HOSTNAME: pod, TERMINATION_MESSAGE_PATH: message, ...without(options.env ?? {}, 'PATH'), ...env, ...nameOf(message),
      },
    });
    const { code, log } = await ended(child, message, options.killWhen);
    return { container: container.name, code, log, message: existsSync(message) ? readFileSync(message, 'utf8') : '' };
  }

  private environment(entries: readonly V1EnvVar[], pod: string, places: Places): Record<string, string> {
    const env: Record<string, string> = {};
    for (const { name, value, valueFrom } of entries) {
      env[name] = value === undefined ? fieldValue(valueFrom?.fieldRef?.fieldPath ?? '', pod) : rewrite(expand(value, env), places);
    }
    return env;
  }

  /** The pod's mounts, and the folders that only hold mounts, where commands look for all of them. */
  private mounts(container: V1Container, spec: V1PodSpec, pod: string): [string, string][] {
    const mounts = (container.volumeMounts ?? []).map(({ name, mountPath, subPath }): [string, string] => {
      const place = this.place((spec.volumes ?? []).find((candidate) => candidate.name === name)!, pod, mountPath);
      return [mountPath, subPath === undefined ? place : path.join(place, subPath)];
    });
    const links = path.join(this.root, 'pods', pod, `mounts-${container.name}`);
    return [...mounts, ...HOLDERS.map((holder): [string, string] => [holder, linked(path.join(links, holder), mounts.filter(([mountPath]) => path.dirname(mountPath) === holder))])];
  }

  private place(volume: V1Volume, pod: string, mountPath: string): string {
    if (volume.hostPath) {
      const standIn = path.join(__dirname, '..', '..', 'cluster', 'host-files', volume.hostPath.path);
      return existsSync(standIn) ? standIn : mountPath;
    }
    const folder = volume.persistentVolumeClaim ? this.volumes.claim(volume.persistentVolumeClaim.claimName) : this.volumes.ofPod(pod, volume.name);
    mkdirSync(folder, { recursive: true });
    if (volume.configMap) {
      this.writeConfigMap(volume.configMap.name!, volume.configMap.items, folder);
    }
    return folder;
  }

  private writeConfigMap(name: string, items: { key: string; path: string }[] | undefined, folder: string): void {
    const { data = {} } = this.manifests.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === name) as unknown as { data?: Record<string, string> };
    const files = items?.map(({ key, path: file }) => [file, data[key]!] as const) ?? Object.entries(data);
    for (const [file, text] of files) {
      mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
      writeFileSync(path.join(folder, file), text);
    }
  }
}

/** A killed pod's lease is taken over after a minute, and downloads say every five seconds how far they are; here it is sooner. */
function impatient(words: readonly string[]): string[] {
  const lease = ['--lease-heartbeat', '0.2', '--lease-takeover', '2'];
  return words.flatMap((word) => word.endsWith('/run_task.py') ? [word, ...lease] : word.endsWith('/fetch_weights.py') ? [word, ...lease, '--progress-interval', '0.05'] : [word]);
}

/** Folders of a pod that have nothing but mounts. */
const HOLDERS = ['/scripts-source', '/artifacts'];

function linked(folder: string, mounts: readonly (readonly [string, string])[]): string {
  mkdirSync(folder, { recursive: true });
  mounts.forEach(([mountPath, place]) => { symlinkSync(place, path.join(folder, path.basename(mountPath))); });
  return folder;
}

const FIELDS: Readonly<Record<string, string>> = { 'status.podIP': '127.0.0.1', 'status.hostIP': '127.0.0.1', 'spec.nodeName': 'node' };

function fieldValue(fieldPath: string, pod: string): string {
  return FIELDS[fieldPath] ?? (fieldPath.startsWith('metadata.annotations') ? '' : pod);
}

/** What the kubelet makes of `$(NAME)` and `$$(NAME)`. */
function expand(text: string, env: Readonly<Record<string, string>>): string {
  return text.replace(/\$(\$?)\((\w+)\)/g, (all, escaped: string, name: string) => escaped === '$' ? all.slice(1) : env[name] ?? all);
}

function without(record: Readonly<Record<string, string>>, key: string): Record<string, string> {
  return Object.fromEntries(Object.entries(record).filter(([name]) => name !== key));
}

function ended(child: ChildProcess, container: string, killWhen: Moment | undefined): Promise<{ code: number; log: string }> {
  let log = '';
  const read = (chunk: Buffer): void => {
    log += chunk.toString('utf8');
    if (killWhen !== undefined && (log.match(new RegExp(killWhen.says, 'g')) ?? []).length >= (killWhen.times ?? 1)) {
      killContainer(container);
    }
  };
  child.stdout?.on('data', read);
  child.stderr?.on('data', read);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => { resolve({ code: code ?? (signal === 'SIGKILL' ? 137 : 143), log }); });
  });
}
