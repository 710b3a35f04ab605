import { Construct } from 'constructs';

import type { Artifact } from '../lib/artifacts/artifact';
import { located } from './located';
import { checkWhole, type ModelStepOptions, modelStepRequest } from './model-step';
import { renderStepJob } from './step-job';

/** Tokens of a prompt and of its answer. */
export interface SequencePair {
  /** Tokens of the prompt. */
  readonly input: number;
  /** Tokens of the answer, at least 2. */
  readonly output: number;
}

/** A model whose speed is measured. */
export interface BenchmarkProps extends ModelStepOptions {
  /**
   * Questions to ask, as JSON: a list of texts or of conversations.
   *
   * @default - those of the runtime's guide
   */
  readonly prompts?: string;

  /**
   * Lengths to measure, for runtimes whose tool takes them.
   *
   * @default - none: the prompts decide
   */
  readonly sequencePairs?: SequencePair[];

  /**
   * Sequences at a time.
   *
   * @default 1
   */
  readonly batchSize?: number;

  /**
   * Write the answers to the log.
   *
   * @default false
   */
  readonly printResponse?: boolean;
}

/** A Job that measures a model's speed: `result.json`, and a table in the log. */
export class Benchmark extends Construct {
  /** The measurements. */
  public readonly artifact: Artifact;

  /**
   * @throws if the runtime cannot measure, a length exceeds the model's, or model, chip and memory do not go together
   */
  constructor(scope: Construct, id: string, props: BenchmarkProps) {
    super(scope, id);
    this.artifact = located(this, () => {
      const { prompts, sequencePairs = [], batchSize, printResponse = false } = props;
      checkWhole('batchSize', batchSize);
      const longest = longestOf(sequencePairs, props);
      const request = modelStepRequest(id, { ...props, contextLength: longest });
      const pairs = sequencePairs.map(({ input, output }) => [input, output] as const);
      const task = props.runtime._step('benchmark', { ...request, prompts, batchSize, printResponse, sequencePairs: pairs });
      return renderStepJob(this, task, props, props.accelerator, { ...request, batchSize });
    });
  }
}

/** The context that all pairs fit in. */
function longestOf(pairs: readonly SequencePair[], { contextLength, model }: BenchmarkProps): number | undefined {
  for (const { input, output } of pairs) {
    const whole = Number.isInteger(input) && Number.isInteger(output);
    if (!whole || input < 1 || output < 2 || input + output > model.maxSequenceLength) {
      throw new Error(`'sequencePairs' must be whole numbers, 'input' from 1 and 'output' from 2, at most ${String(model.maxSequenceLength)} together for ${model.name}, `
        + `got ${String(input)} and ${String(output)}`);
    }
  }
  const longest = Math.max(0, ...pairs.map(({ input, output }) => input + output));
  if (contextLength !== undefined && contextLength < longest) {
    throw new Error(`'contextLength' is ${String(contextLength)}, but a pair of 'sequencePairs' has ${String(longest)} tokens; leave it out`);
  }
  return longest === 0 ? contextLength : contextLength ?? longest;
}
