import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import * as path from 'node:path';

import type { Manifest } from '../../cluster/support/manifest';
import { type ClaimFiles, claimFiles } from './claim-files';
import type { LocalHub } from './hub';
import { type End, Machine, type RunOptions } from './machine';
import { oldestPython } from './oldest-python';

const STUBS = path.join(__dirname, '..', '..', 'cluster', 'stubs');

/** Paths of the vendors' images that have stand-ins. */
const IMAGE = new Map(['/torch', '/opt/sophon', '/usr/local/Ascend'].map((name) => [name, path.join(STUBS, name)]));

type Env = Readonly<Record<string, string>>;

/** Environment of the stand-ins: of all, and by the image that they stand for. */
export interface StandIns {
  readonly env?: Env;
  readonly images?: Readonly<Record<string, Env>>;
}

/** A chart's Jobs as processes, in the order of their artifacts. */
export class Workflow {
  private readonly root = mkdtempSync(path.join(tmpdir(), 'workflow-'));
  private readonly machine: Machine;
  private readonly jobs: readonly Manifest[];
  private attempts = 0;

  public constructor(objects: readonly Manifest[], private readonly hub: LocalHub, private readonly standIns: StandIns = {}) {
    const local = objects.map((object) => hub.instead(object));
    const tools = mkdtempSync(path.join(this.root, 'tools-'));
    symlinkSync(oldestPython(), path.join(tools, 'python3'));
    this.machine = new Machine(this.root, local, [tools, path.join(__dirname, 'tools'), path.join(STUBS, 'usr/local/bin')].join(':'));
    this.jobs = inOrder(local.filter(({ kind }) => kind === 'Job'));
  }

  /** The names of the steps, without the chart's and the digest. */
  public get steps(): string[] {
    return this.jobs.map((job) => job.metadata.name);
  }

  /** Runs one step. */
  public run(job: string, options: RunOptions = {}): Promise<End> {
    this.attempts += 1;
    const manifest = this.jobs.find(({ metadata }) => metadata.name === job)!;
    const { env, images = {} } = this.standIns;
    return this.machine.run(manifest, this.attempts, { image: IMAGE, ...options, env: { ...env, ...images[containers(manifest).main.image], ...options.env } });
  }

  /** What the steps left on a claim, without what tells of time and place, and without what `passing` names. */
  public files(claim: string, passing?: RegExp): ClaimFiles {
    return claimFiles(this.machine.file(claim), [this.root, this.hub.url], passing);
  }

  /** Takes everything away. */
  public remove(): void {
    execFileSync('chmod', ['-R', 'u+rwX', this.root]);
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** A Job comes after those whose outputs it waits for. */
function inOrder(jobs: readonly Manifest[]): Manifest[] {
  const left = [...jobs];
  const done: Manifest[] = [];
  const made = new Set<string>();
  while (left.length > 0) {
    const next = left.findIndex((job) => inputs(job).every((input) => made.has(input)));
    if (next < 0) {
      throw new Error(`nothing makes the inputs of ${left.map(({ metadata }) => metadata.name).join(', ')}`);
    }
    const [job] = left.splice(next, 1);
    done.push(job!);
    output(job!).forEach((directory) => made.add(directory));
  }
  return done;
}

interface Container { readonly name: string; readonly image: string; readonly command?: string[] }

function containers(job: Manifest): { readonly main: Container; readonly init: Container[] } {
  const { spec } = (job.spec as { template: { spec: { containers: Container[]; initContainers?: Container[] } } }).template;
  return { main: spec.containers[0]!, init: spec.initContainers ?? [] };
}

function after(words: readonly string[], flag: string): string[] {
  return words.flatMap((word, index) => word === flag ? [words[index + 1]!] : []);
}

function inputs(job: Manifest): string[] {
  return containers(job).init.filter(({ name }) => name === 'wait-for-artifacts').flatMap(({ command = [] }) => after(command, '--artifact'));
}

function output(job: Manifest): string[] {
  const { command = [] } = containers(job).main;
  return [...after(command, '--output'), ...after(command, '--target')];
}
