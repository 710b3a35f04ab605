import { isDeepStrictEqual } from 'node:util';

import type { GlmModel } from '../models/glm-model';

/** What is asked of an artifact here. */
interface Weights {
  readonly directory: string;
}

/** Whose weights artifacts hold, where that is known: downloads, and what runtimes make of them. What existed before is not known. */
const HELD = new WeakMap<Weights, GlmModel>();

/** Weights that are files of `torch.save`, where that is known. Not every server reads those. */
const BIN = new WeakSet<Weights>();

/** The props of tasks that weights come in. */
const PROPS = ['weights', 'checkpoint', 'from', 'base', 'strategy', 'quantized', 'tokenizer'] as const;

/** Notes whose weights an artifact holds. */
export function holding<T extends Weights>(artifact: T, model: GlmModel): T {
  HELD.set(artifact, model);
  return artifact;
}

/** Notes that the weights are files of `torch.save`. */
export function holdingBin<T extends Weights>(artifact: T): T {
  BIN.add(artifact);
  return artifact;
}

/** Whether an artifact is known to hold its weights as files of `torch.save`. */
export function holdsBin(artifact: Weights): boolean {
  return BIN.has(artifact);
}

/** Notes that an artifact holds the same model's weights as another, in the same files, if those are known. */
export function holdingSame<T extends Weights>(artifact: T, other: Weights): T {
  if (BIN.has(other)) {
    BIN.add(artifact);
  }
  const held = HELD.get(other);
  return held === undefined ? artifact : holding(artifact, held);
}

/** Throws if a task is asked with weights that are known to be another model's. */
export function checkHeld(request: object, model: GlmModel): void {
  const read: Readonly<Partial<Record<typeof PROPS[number], Weights | undefined>>> = request;
  for (const prop of PROPS) {
    const artifact = read[prop];
    const held = artifact && HELD.get(artifact);
    if (held !== undefined && !goesAs(held, model)) {
      throw new Error(`'${prop}' has ${held.name} (${String(artifact?.directory)}), but 'model' is ${model.name}; give what belongs to ${model.name}, or say the other model`);
    }
  }
}

/** A fine-tune has the family and the shape of what it was made of, whatever it is called. */
export function goesAs({ family, shape }: GlmModel, other: GlmModel): boolean {
  return family === other.family && isDeepStrictEqual(shape, other.shape);
}
