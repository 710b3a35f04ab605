import type { Artifact } from '../../artifacts/artifact';
import { ArtifactFormat } from '../../artifacts/artifact-format';
import type { Architecture } from '../../accelerators/node-type';
import { checkImage } from '../../image';
import { scriptPath } from '../../pods/scripts';
import { checkGiven } from '../../required-props';
import { vendorEnv } from '../serving';
import { MindFormersLauncher } from './launcher';
import { MindFormersProgram } from './program';
import type { MindFormersVersion } from './version';

/** The runtime's name. */
export const NAME = 'mindformers';

/** Options of `Runtime.mindFormers`. */
export interface MindFormersOptions {
  /** The state of MindFormers that source tree and image hold. */
  readonly version: MindFormersVersion;

  /** The source tree of that commit: `run_mindformer.py` and the configurations are in no package. `DownloadFiles` with `ArtifactFormat.SOURCE_TREE` makes one. */
  readonly sourceTree: Artifact;

  /**
   * An image with that version's MindSpore and CANN.
   *
   * @default - the version's public image
   */
  readonly image?: string;

  /**
   * The MindSpore in the image, where it is not the version's own, e.g. `1.10.1` for c8a5808.
   *
   * @default - the version's
   */
  readonly mindSpore?: string;

  /**
   * An image with MindSpore 2.0 or later for the processor. It converts and merges checkpoints; an older MindSpore cannot merge.
   *
   * @default - the image
   */
  readonly mergeImage?: string;

  /**
   * Files whose environment is sourced before the process starts, in order, e.g. CANN's `set_env.sh`.
   *
   * @default - none: the image sets its environment itself
   */
  readonly setEnvScripts?: string[];

  /**
   * Who starts the ranks.
   *
   * @default MindFormersLauncher.LAUNCH
   */
  readonly launcher?: MindFormersLauncher;

  /**
   * What trains in each rank.
   *
   * @default MindFormersProgram.RUN_MINDFORMER
   */
  readonly program?: MindFormersProgram;

  /**
   * Whether the weights that it evaluates, answers with and serves have low-rank adapters beside those of the base model, with the rank and alpha of
   * MindFormers' configurations. What a FinetuneJob of this library has trained is known, and what is merged of it.
   *
   * @default - of weights made by a FinetuneJob what it trained, else false
   */
  readonly lora?: boolean;

  /**
   * Check before training starts: number and health of the devices, versions of MindSpore and CANN, and MindSpore's own `run_check`.
   *
   * @default true
   */
  readonly startChecks?: boolean;
}

/** The options, complete and checked. */
export interface MindFormersContext {
  readonly version: MindFormersVersion;
  readonly sourceTree: Artifact;
  readonly image: string;
  readonly architecture: Architecture | undefined;
  readonly mindSpore: string;
  readonly mergeImage: string | undefined;
  readonly setEnvScripts: readonly string[];
  readonly launcher: MindFormersLauncher;
  readonly program: MindFormersProgram;
  readonly lora: boolean;
  readonly startChecks: boolean;
}

/** Completes and checks the options. */
export function contextOf(options: MindFormersOptions): MindFormersContext {
  checkGiven(options, 'version', 'sourceTree');
  const { version, sourceTree, setEnvScripts = [], launcher = MindFormersLauncher.LAUNCH, program = MindFormersProgram.RUN_MINDFORMER } = options;
  const { startChecks = true, lora = false, mindSpore = version.mindSpore, mergeImage } = options;
  const image = imageOf(options);
  if (!/^\d+\.\d+/.test(mindSpore)) {
    throw new Error(`'mindSpore' must be a version like '2.2.11', got '${mindSpore}'`);
  }
  sourceTree._require([ArtifactFormat.SOURCE_TREE], 'sourceTree', 'DownloadFiles with ArtifactFormat.SOURCE_TREE makes one');
  checkStart(version, launcher, program);
  const architecture = image === version.image ? version.architecture : undefined;
  return { version, sourceTree, image, architecture, mindSpore, mergeImage, setEnvScripts, launcher, program, lora, startChecks };
}

function imageOf({ version, mergeImage, ...options }: MindFormersOptions): string {
  const image = options.image ?? version.image;
  if (image === undefined) {
    throw new Error(`'image' is needed: MindFormers ${version.name} has no public image; it goes with MindSpore ${version.mindSpore}${version.cann === undefined ? '' : ` and CANN ${version.cann}`}`);
  }
  checkImage('image', image);
  if (mergeImage !== undefined) {
    checkImage('mergeImage', mergeImage);
  }
  return image;
}

function checkStart(version: MindFormersVersion, launcher: MindFormersLauncher, program: MindFormersProgram): void {
  if (launcher === MindFormersLauncher.MSRUN && !version._row.msrun) {
    throw new Error(`'launcher' msrun needs MindFormers 1.1.0 or later, got ${version.name}, whose MindSpore ${version.mindSpore} has none; use MindFormersLauncher.LAUNCH`);
  }
  if (program === MindFormersProgram.TRAINER && version._row.commandLine.dottedOverrides) {
    throw new Error(`'program' trainer is written for MindFormers c8a5808, got ${version.name}; use MindFormersProgram.RUN_MINDFORMER`);
  }
}

/** Whether the MindSpore has `transform_checkpoints` and tells the layout of frozen parameters, both from 2.0 on. */
export function isModernMindSpore({ mindSpore }: MindFormersContext): boolean {
  return Number(mindSpore.split('.')[0]) >= 2;
}

/** What every command of this runtime begins with: the vendor's environment, and the checks of the image where there are devices. */
export function startCommand(context: MindFormersContext, devices: number | undefined): string[] {
  const { version, mindSpore, startChecks, setEnvScripts } = context;
  const check = startChecks && devices !== undefined
    ? [
      'python3', scriptPath(CHECK_START), '--vendor', 'ascend', '--devices', String(devices), '--package', `mindspore==${mindSpore}`,
      ...(version.cann === undefined ? [] : ['--cann', version.cann]), '--run-check', 'mindspore', '--',
    ]
    : [];
  return [...vendorEnv(setEnvScripts), ...check];
}

const CHECK_START = 'check_start';

/** Scripts of that beginning. */
export function startScripts({ startChecks, setEnvScripts }: MindFormersContext, devices: number | undefined): string[] {
  return [...(setEnvScripts.length > 0 ? ['with_vendor_env'] : []), ...(startChecks && devices !== undefined ? [CHECK_START] : [])];
}
