import * as path from 'node:path';

import type { Manifest } from '../../cluster/support/manifest';
import type { ClaimFiles } from './claim-files';
import { LocalHub } from './hub';
import { type Proof, runKilled, runOnce, runWhole } from './proof';

const HERE = path.join(__dirname, 'mindformers');
const SUPPORT = path.join(__dirname, '..', '..', 'container', 'support');

/** Where Python finds the stand-ins of an image with this version of MindSpore. */
export function packages(version: string): string[] {
  return [path.join(HERE, 'image'), path.join(SUPPORT, 'checkpoints_packages'), path.join(HERE, 'versions', version), path.join(SUPPORT, 'stub_mindspore')];
}

/** What a run of a MindFormers chart depends on. */
export interface MindFormersRun {
  readonly objects: readonly Manifest[];
  /** The chart's id. */
  readonly id: string;
  /** The chip as `npu-smi` says it. */
  readonly chip: string;
  /** The version of MindSpore in each image. */
  readonly images: Readonly<Record<string, string>>;
  /** The checkpoint that is being written when the fine-tune is killed, without the rank. */
  readonly half: string;
  /** Epoch and step that all ranks have finished by then. */
  readonly finished: string;
  readonly ranks: number;
  readonly moments: Readonly<Record<string, RegExp>>;
}

/** Runs the chart from the downloads on, once whole and once with every step killed, and returns what both left. */
export async function runBoth(run: MindFormersRun): Promise<{ readonly whole: ClaimFiles; readonly killed: ClaimFiles }> {
  const [hub, slow] = await Promise.all([LocalHub.start(path.join(HERE, 'hub.py')), LocalHub.start(path.join(HERE, 'hub.py'), { SLOW: '1' })]);
  try {
    const [whole, killed] = await Promise.allSettled([runWhole(proof(run), hub), runKilled(proof(run), slow)]);
    return { whole: fulfilled(whole), killed: fulfilled(killed) };
  } finally {
    hub.stop();
    slow.stop();
  }
}

/** Runs the chart from the downloads on and returns what it left. */
export async function runThrough(run: MindFormersRun): Promise<ClaimFiles> {
  const hub = await LocalHub.start(path.join(HERE, 'hub.py'));
  try {
    return await runOnce(proof(run), hub);
  } finally {
    hub.stop();
  }
}

function fulfilled<T>(result: PromiseSettledResult<T>): T {
  if (result.status === 'rejected') {
    throw result.reason;
  }
  return result.value;
}

const ARRIVING = /fetch_weights: [1-9][\d.]* %/;

function proof(run: MindFormersRun): Proof {
  return {
    objects: run.objects, claim: `${run.id}-store`,
    short: (job) => job.replace(new RegExp(`^${run.id}-(.*)-[0-9a-f]{8}$`), '$1'),
    images: Object.fromEntries(Object.entries(run.images).map(([image, version]) => [image, environment(version, run.chip)])),
    moments: {
      mindformers: ARRIVING, weights: ARRIVING, adgen: ARRIVING, convert: /in the middle of saving/,
      finetune: { says: new RegExp(`rank \\d+ has finished ${run.finished}:|in the middle of saving ${run.half}`), times: 2 * run.ranks }, merge: /in the middle of transform_checkpoints/, evaluate: /in the middle of evaluating/,
      predict: /in the middle of answering/, ...run.moments,
    },
    killsAll: true,
    again: { finetune: new RegExp(`(going on from ${run.finished}, finished by all ${String(run.ranks)} ranks[^]*){${String(run.ranks)}}`) },
    // A run that was killed leaves older checkpoints, and notes which run made which.
    passing: new RegExp(`^finetune-\\w+/(checkpoint/rank_\\d+/(\\.complete/|.*-${run.finished.replace(/epoch (\d+) step (\d+)/, '$1_$2')}\\.ckpt|.*-${run.half.replace(/.*-/, '')})|\\.meet)`),
  };
}

function environment(version: string, chip: string): Readonly<Record<string, string>> {
  return {
    PATH: path.join(HERE, 'bin'), PYTHONPATH: packages(version).join(':'),
    ASCEND_TOOLKIT_HOME: path.join(HERE, 'toolkit'), NPU_CHIP: chip,
  };
}
