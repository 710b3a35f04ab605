import type { Artifact } from '../../artifacts/artifact';
import type { GlmShape } from '../../models/glm-model';
import type { FinetuneSettings } from '../runtime-dialect';
import { type MindFormersConfiguration, type MindFormersModel, QUERY_KEY_VALUE } from './configuration';
import type { MindFormersContext } from './options';

/** Low-rank adapters: what a checkpoint with them does not say of itself, and how many parameters they are. */
export interface Adapters {
  readonly rank: number;
  /** What the product of the two matrices is multiplied with, times the rank. */
  readonly alpha: number;
  /** Which layers have one: a regular expression of Python. */
  readonly targets: string;
}

/** As every LoRA configuration of every version has them, and as ADAPTERS patches them in. */
const USUAL: Adapters = { rank: 8, alpha: 32, targets: QUERY_KEY_VALUE };

/** What they are called in a configuration. */
const NAMES: Readonly<Record<keyof Adapters, string>> = { rank: 'lora_rank', alpha: 'lora_alpha', targets: 'target_modules' };

/** The adapters in the checkpoints that this library's fine-tunes leave, shards and merged ones. */
const KNOWN = new WeakMap<Artifact, Adapters>();

/** Notes which adapters a checkpoint has; undefined for none. */
export function madeWith(checkpoint: Artifact, adapters: Adapters | undefined): Artifact {
  if (adapters) {
    KNOWN.set(checkpoint, adapters);
  }
  return checkpoint;
}

/** Which adapters a checkpoint is known to have. */
export function knownAdapters(checkpoint: Artifact): Adapters | undefined {
  return KNOWN.get(checkpoint);
}

/** Which adapters the weights of a model are loaded with: those that they are known to have, else the usual where the runtime is told that there are some. */
export function loadedAdapters(weights: Artifact | undefined, { lora }: MindFormersContext): Adapters | undefined {
  return (weights && KNOWN.get(weights)) ?? (lora ? USUAL : undefined);
}

/** Which adapters a fine-tune trains: the configuration's, under the caller's `settings`. */
export function trainedAdapters(model: MindFormersModel, { lora }: MindFormersConfiguration, { settings = {} }: FinetuneSettings): Adapters | undefined {
  const value = (fact: keyof Adapters): string => settings[keyOf(model, fact) ?? ''] ?? String(USUAL[fact]);
  const count = (fact: 'rank' | 'alpha'): number => {
    if (!/^[1-9]\d{0,5}$/.test(value(fact))) {
      throw new Error(`'settings' has '${String(keyOf(model, fact))}', which must be a whole number from 1 to 999999, got '${value(fact)}'`);
    }
    return Number(value(fact));
  };
  return lora ? { rank: count('rank'), alpha: count('alpha'), targets: value('targets') } : undefined;
}

/** The dotted values by which adapters differ from those in the configurations. */
export function unusualValues(model: MindFormersModel, adapters: Adapters | undefined): Record<string, string> {
  const facts = adapters ? (Object.keys(NAMES) as (keyof Adapters)[]).filter((fact) => adapters[fact] !== USUAL[fact]) : [];
  return Object.fromEntries(facts.map((fact) => [String(keyOf(model, fact)), String(adapters?.[fact])]));
}

/** Where the model's configurations keep it; c8a5808 has no choice of the layers. */
function keyOf({ configurations }: MindFormersModel, fact: keyof Adapters): string | undefined {
  return configurations.flatMap(({ keys }) => [...keys]).find((key) => key.endsWith(`pet_config.${NAMES[fact]}`));
}

/**
 * How many parameters adapters have: two matrices beside each layer that has one, of `rank` rows or columns (mindpet 1.0.4 mindpet/delta/lora.py). With other
 * layers than the usual it is the most that it can be: all linear ones of every block.
 */
export function adapterParameters({ rank, targets }: Adapters, { layers, hiddenSize, ffnHiddenSize, heads, kvHeads }: GlmShape): number {
  const queryKeyValue = hiddenSize + hiddenSize + 2 * kvHeads * (hiddenSize / heads);
  // Later generations compute two inner layers at once, and half of them is a gate.
  const others = 2 * hiddenSize + hiddenSize + 2 * ffnHiddenSize + ffnHiddenSize + hiddenSize;
  return layers * rank * (targets === QUERY_KEY_VALUE ? queryKeyValue : queryKeyValue + others);
}
