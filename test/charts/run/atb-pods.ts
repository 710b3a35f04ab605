import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';

import type { Manifest } from '../../cluster/support/manifest';
import { type End, Machine } from './machine';

const TEST = path.join(__dirname, '..', '..');
const EXAMPLE = 'mindie_ref/mindie_llm/atb_models/pytorch/examples/chatglm2/6b';
const IMAGE = new Map([['/usr/local/Ascend', path.join(TEST, 'cluster/stubs/usr/local/Ascend')]]);

/** The pods of the ATB chart as processes, over stand-ins for ModelLink, behind the downloads. */
export class AtbPods {
  private readonly root = mkdtempSync(path.join(tmpdir(), 'atb-'));
  private readonly machine: Machine;
  private readonly jobs: readonly Manifest[];
  private readonly downloads: readonly Manifest[];
  private attempts = 0;

  public constructor(objects: readonly Manifest[], private readonly claim: string, devices: number, python: string) {
    const jobs = objects.filter(({ kind }) => kind === 'Job');
    this.downloads = jobs.filter((job) => words(job).includes('--target'));
    this.jobs = jobs.filter((job) => !this.downloads.includes(job));
    const tools = path.join(this.root, 'tools');
    mkdirSync(tools);
    symlinkSync(python, path.join(tools, 'python3'));
    writeFileSync(path.join(tools, 'npu-smi'), npuSmi(devices), { mode: 0o755 });
    this.machine = new Machine(this.root, objects, tools);
    this.downloads.forEach((job) => { this.fill(job); });
  }

  /** The steps behind the downloads, in the chart's order. */
  public get steps(): string[] {
    return this.jobs.map(({ metadata }) => metadata.name.replace(/^[a-z]+-(.*)-[0-9a-f]{8}$/, '$1'));
  }

  /** Runs a step; with `killWhen` it is killed when its log matches. */
  public run(step: string, killWhen?: RegExp): Promise<End> {
    this.attempts += 1;
    const packages = path.join(this.root, 'packages');
    mkdirSync(path.join(packages, 'transformers-4.30.2.dist-info'), { recursive: true });
    writeFileSync(path.join(packages, 'transformers-4.30.2.dist-info/METADATA'), 'Metadata-Version: 2.1\nName: transformers\nVersion: 4.30.2\n');
    const seconds = killWhen === undefined ? '0' : '0.3';
    return this.machine.run(this.jobs[this.steps.indexOf(step)]!, this.attempts, {
      image: IMAGE, env: { PYTHONPATH: `${packages}:${path.join(TEST, 'container/support/atb_packages')}`, STUB_SECONDS: seconds }, killWhen: killWhen && { says: killWhen },
    });
  }

  /** What the steps left on the claim: text by path, without times. */
  public files(): Record<string, string> {
    const folder = this.machine.file(this.claim);
    const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => statSync(path.join(folder, name)).isFile() && !/\.lease(\/|$)/.test(name));
    return Object.fromEntries(names.sort().map((name) => [name, readFileSync(path.join(folder, name), 'utf8').replace(/"created": *"[^"]*"/, '"created": ""').replaceAll(this.root, '')]));
  }

  /** Takes everything away. */
  public remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  private fill(job: Manifest): void {
    const target = words(job)[words(job).indexOf('--target') + 1]!;
    const folder = this.machine.file(this.claim, path.basename(target));
    mkdirSync(folder, { recursive: true });
    const name = path.basename(target).replace(/-[0-9a-f]{10}$/, '');
    CONTENTS[name]!(folder);
    writeFileSync(path.join(folder, '.cdk8s-chatglm.json'), JSON.stringify({ version: 1, name, lineage: target.slice(-10), format: 'any', created: '2026-11-21T00:00:00Z', source: {}, files: [] }));
  }
}

/** What the downloads would bring, by the artifact's name. */
const CONTENTS: Readonly<Record<string, (folder: string) => void>> = { modellink: writeTree, 'chatglm2-6b': writeModel, ceval: writeCeval, quantized: writeQuantized };

function words(job: Manifest): string[] {
  return (job.spec as { template: { spec: { containers: { command: string[] }[] } } }).template.spec.containers[0]!.command;
}

function writeTree(folder: string): void {
  cpSync(path.join(TEST, 'container/support/modellink'), path.join(folder, EXAMPLE), { recursive: true, filter: (file) => !file.includes('__pycache__') });
}

/** The published files, without what the guide adds to the configuration. */
function writeModel(folder: string): void {
  const weights = Array.from({ length: 7 }, (_, index) => `pytorch_model-0000${String(index + 1)}-of-00007.bin`);
  const index = JSON.stringify({ weight_map: Object.fromEntries(weights.map((file, layer) => [`layer.${String(layer)}`, file])) });
  const small = ['configuration_chatglm.py', 'modeling_chatglm.py', 'quantization.py', 'tokenization_chatglm.py', 'tokenizer.model', 'tokenizer_config.json'];
  const files = { 'config.json': '{"num_layers": 28}', 'pytorch_model.bin.index.json': index };
  Object.entries(files).forEach(([name, text]) => { writeFileSync(path.join(folder, name), text); });
  small.forEach((name) => { writeFileSync(path.join(folder, name), name.endsWith('.json') ? '{}' : `"""The standard ${name}."""\n`); });
  weights.forEach((name) => { writeFileSync(path.join(folder, name), `weights ${name}\n`); });
}

function writeCeval(folder: string): void {
  for (const name of ['Social_Science/teacher_qualification', 'Other/civil_servant']) {
    const file = path.join(folder, 'CEval/val', `${name}.jsonl`);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, [1, 1, 0].map((label) => `${JSON.stringify({ inputs_pretokenized: '问题', label })}\n`).join(''));
  }
}

function writeQuantized(folder: string): void {
  const inner = path.join(folder, 'chatglm2_6B_910b');
  mkdirSync(inner);
  for (const name of ['deq_scale', 'fp_bias', 'input_offset', 'input_scale', 'quant_bias', 'quant_weight', 'weight_offset', 'weight_scale']) {
    writeFileSync(path.join(inner, `${name}.npy`), `${name} of the vendor\n`);
  }
}

/** What `npu-smi info` prints of so many devices that are well. */
function npuSmi(devices: number): string {
  const rows = Array.from({ length: devices }, (_, index) => `echo '| ${String(index)}     310P3               | OK            | 92.5        40                0    / 0             |'`);
  return `#!/bin/sh\necho '| npu-smi 24.1.0                   Version: 24.1.0                                               |'\n${rows.join('\n')}\n`;
}
