import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import * as path from 'node:path';

import type { Manifest } from '../../cluster/support/manifest';
import { type End, Machine } from './machine';
import { oldestPython } from './oldest-python';

const STAND_INS = path.join(__dirname, '..', '..', 'container', 'support');
const IMAGE = path.join(__dirname, 'mindformers', 'image');
const TREE = path.join(__dirname, 'mindformers', 'tree');
const DEVICES = 8;

/** The pods of the ChatGLM3 chart as processes, behind the downloads, over stand-ins for MindSpore and MindFormers. */
export class MindFormersPods {
  private readonly root = mkdtempSync(path.join(tmpdir(), 'glm3-'));
  private readonly machine: Machine;
  private readonly jobs: readonly Manifest[];
  private attempts = 0;

  public constructor(objects: readonly Manifest[], private readonly claim: string) {
    const jobs = objects.filter(({ kind }) => kind === 'Job');
    const downloads = jobs.filter((job) => words(job).includes('--target'));
    this.jobs = jobs.filter((job) => !downloads.includes(job));
    this.machine = new Machine(this.root, objects, this.tools());
    downloads.forEach((job) => { this.fill(words(job)); });
  }

  /** The steps behind the downloads, in the chart's order. */
  public get steps(): string[] {
    return this.jobs.map(({ metadata }) => metadata.name.replace(/^\w+-(.*)-[0-9a-f]{8}$/, '$1'));
  }

  /** Runs a step; with `killWhen` it is killed when its log matches. */
  public run(step: string, killWhen?: RegExp): Promise<End> {
    this.attempts += 1;
    const packages = [IMAGE, path.join(STAND_INS, 'checkpoints_packages'), path.join(STAND_INS, 'packages')].join(':');
    return this.machine.run(this.jobs[this.steps.indexOf(step)]!, this.attempts, {
      killWhen,
      env: {
        PYTHONPATH: packages, STAND_INS, MEET: path.join(this.root, 'meet'), ASCEND_TOOLKIT_HOME: path.join(this.root, 'toolkit'), STUB_SECONDS: killWhen === undefined ? '0' : '2',
      },
    });
  }

  /** What the steps left on the claim, without logs, and without what tells of restarts: the fine-tune's own checkpoints. */
  public files(): Record<string, string> {
    const folder = this.machine.file(this.claim);
    const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => statSync(path.join(folder, name)).isFile() && !/\.lease(\/|$)|^finetune-/.test(name));
    return Object.fromEntries(names.sort().map((name) => [name, timeless(name, readFileSync(path.join(folder, name), 'utf8')).replaceAll(this.root, '')]));
  }

  /** Takes everything away. */
  public remove(): void {
    execFileSync('chmod', ['-R', 'u+rwX', this.root]);
    rmSync(this.root, { recursive: true, force: true });
  }

  private tools(): string {
    const tools = path.join(this.root, 'tools');
    mkdirSync(tools);
    symlinkSync(oldestPython(), path.join(tools, 'python3'));
    writeFileSync(path.join(tools, 'npu-smi'), npuSmi(), { mode: 0o755 });
    writeFileSync(path.join(tools, 'hccn_tool'), '#!/bin/sh\necho "ipaddr:192.168.10.1$2"\n', { mode: 0o755 });
    const toolkit = path.join(this.root, 'toolkit', 'aarch64-linux');
    mkdirSync(toolkit, { recursive: true });
    writeFileSync(path.join(toolkit, 'ascend_toolkit_install.info'), 'package_name=Ascend-cann-toolkit\nversion=7.0.0\n');
    return tools;
  }

  private fill(command: readonly string[]): void {
    const target = path.basename(command[command.indexOf('--target') + 1]!);
    const [, name, lineage] = /^(.*)-([0-9a-f]{10})$/.exec(target)!;
    const folder = this.machine.file(this.claim, target);
    mkdirSync(folder, { recursive: true });
    ({ mindformers: writeTree, 'chatglm3-6b': writeCheckpoint, adgen: writeAdgen } as Readonly<Record<string, (folder: string) => void>>)[name!]!(folder);
    writeFileSync(path.join(folder, '.cdk8s-chatglm.json'), JSON.stringify({ version: 1, name, lineage, format: 'any', created: '2026-11-21T00:00:00Z', source: {}, files: [] }));
  }
}

/** Without what depends on the time: answers tell how long they took, so the sizes of their files differ. */
function timeless(name: string, text: string): string {
  const without = text.replace(/"created": *"[^"]*"/, '"created": ""').replace(/"seconds": *[\d.e-]+/g, '"seconds": 0');
  return name.startsWith('predict-') ? without.replace(/"size": *\d+/g, '"size": 0') : without;
}

function words(job: Manifest): string[] {
  return (job.spec as { template: { spec: { containers: { command: string[] }[] } } }).template.spec.containers[0]!.command;
}

function writeTree(folder: string): void {
  cpSync(TREE, folder, { recursive: true, filter: (file) => !file.includes('__pycache__') });
}

function writeCheckpoint(folder: string): void {
  writeFileSync(path.join(folder, 'glm3_6b.ckpt'), JSON.stringify({ 'transformer.weight': Array.from({ length: 16 }, (_, index) => index), 'transformer.bias': [1] }));
  writeFileSync(path.join(folder, 'tokenizer.model'), 'spm: a tokenizer');
}

function writeAdgen(folder: string): void {
  const row = (index: number): string => `${JSON.stringify({ content: `类型#裙${String(index)}`, summary: '这件裙子' })}\n`;
  writeFileSync(path.join(folder, 'train.json'), [1, 2, 3].map(row).join(''));
  writeFileSync(path.join(folder, 'dev.json'), [1, 2].map(row).join(''));
}

/** What `npu-smi info` prints of eight devices that are well. */
function npuSmi(): string {
  const rows = Array.from({ length: DEVICES }, (_, index) => `echo '| ${String(index)}     910B3               | OK            | 92.5        40                0    / 0             |'`);
  return `#!/bin/sh\necho '| npu-smi 23.0.0                   Version: 23.0.0                                               |'\n${rows.join('\n')}\n`;
}
