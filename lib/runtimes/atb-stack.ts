import type { Accelerator } from '../accelerators/accelerator';
import type { Artifact } from '../artifacts/artifact';
import { EnvPresets } from '../env/env-presets';
import type { EnvEntry } from '../pods/pod-fragment';
import { scriptPath } from '../pods/scripts';

/** Options of `Runtime.atbModels`, with their defaults. */
export interface AtbStack {
  readonly image: string;
  readonly setEnvScripts: readonly string[];
  readonly sourceTree?: Artifact | undefined;
  readonly modelSlimImage?: string | undefined;
  readonly modelSlimSetEnvScripts: readonly string[];
  /** The toolkit whose compressor is built before weights are compressed. */
  readonly buildGraph?: string | undefined;
}

/** The source tree, without which only ServingBackend.ECHO runs. */
export function sourceTreeOf({ sourceTree }: AtbStack): Artifact {
  if (sourceTree === undefined) {
    throw new Error('\'sourceTree\' of runtime \'atb-models\' is missing: the scripts and the model\'s code are in no package; '
      + 'DownloadFiles with ArtifactFormat.SOURCE_TREE and WeightSource.gitHubCommit(\'aeeeeeep/ModelLink\', ...) makes one');
  }
  return sourceTree;
}

/** What the guide exports on each chip. A preset of the caller's wins over it. */
export function atbEnv(accelerator?: Accelerator): EnvEntry[] {
  const presets = [EnvPresets.HCCL_INFERENCE, EnvPresets.ATB];
  return accelerator === undefined ? [] : presets.filter((preset) => preset.fits(accelerator)).flatMap((preset) => preset._fragment(accelerator).env ?? []);
}

/** What every script of the guide needs (ModelLink@839b2483 chatglm2/6b/requirements.txt). */
export const SCRIPT_PACKAGES = ['transformers==4.30.2'];

/** What the model's code for ATB needs beside it: it imports a package that came to the repository a day later (pytorch/examples/atb_speed_sdk at f82895e4). */
export const MODEL_PACKAGES = [...SCRIPT_PACKAGES, 'atb_speed==1.0.8'];

/** Words that check devices and packages before the program that follows. */
export function atbCheck(devices: number, packages: readonly string[]): string[] {
  return ['python3', scriptPath('check_start'), '--vendor', 'ascend', '--devices', String(devices), ...packages.flatMap((each) => ['--package', each]), '--'];
}

/** The identities of artifacts. */
export function lineages(...artifacts: readonly Artifact[]): string[] {
  return artifacts.map(({ lineage }) => lineage);
}
