import type { ChartProps, Size } from 'cdk8s';

import type { SequencePair } from '../constructs/benchmark';
import type { Accelerator } from '../lib/accelerators/accelerator';
import type { IArtifactStore } from '../lib/artifacts/artifact-store';
import type { WeightSource } from '../lib/artifacts/weight-source';
import type { PlatformProps } from '../lib/platform-props';
import type { AtbPrecision } from './atb-precision';

/** ChatGLM2-6B on ATB, and where. */
export interface AtbChatglm2ChartProps extends ChartProps {
  /** The chip: Ascend 910B or 310P. */
  readonly accelerator: Accelerator;
  /** An image with CANN, ATB, torch_npu and transformers 4.30.2. */
  readonly image: string;

  /**
   * What the cluster offers.
   *
   * @default - that of the app
   */
  readonly platform?: PlatformProps;

  /**
   * Devices that share the model: 1, 2 or 4, on 910B also 8.
   *
   * @default 1
   */
  readonly tensorParallel?: number;

  /**
   * The form of the weights.
   *
   * @default AtbPrecision.FLOAT
   */
  readonly precision?: AtbPrecision;

  /**
   * An image with ModelSlim and plain PyTorch 2.0.0. With it weights are quantized here.
   *
   * @default - quantized weights are downloaded as published; there are no sparse ones
   */
  readonly modelSlimImage?: string;

  /**
   * Build ModelSlim's compressor in this toolkit before sparse weights are compressed.
   *
   * @default - the image was made with it
   */
  readonly compressorToolkit?: string;

  /**
   * Where quantized weights come from, without `modelSlimImage`.
   *
   * @default - the archive that the guide names for the chip; what the first download sees is trusted
   */
  readonly quantizedSource?: WeightSource;

  /**
   * Where the weights come from.
   *
   * @default - Hugging Face, at the revision that the guide names
   */
  readonly weightSource?: WeightSource;

  /**
   * Where C-Eval comes from, as the guide has it.
   *
   * @default - the guide's archive; what the first download sees is trusted
   */
  readonly datasetSource?: WeightSource;

  /**
   * A store that everything is kept on.
   *
   * @default - a new claim of `storeSize`
   */
  readonly store?: IArtifactStore;

  /**
   * Size of the new claim.
   *
   * @default Size.gibibytes(100)
   */
  readonly storeSize?: Size;

  /**
   * The storage class of the new claim.
   *
   * @default - the cluster's default
   */
  readonly storageClassName?: string;

  /**
   * Measure the accuracy on C-Eval.
   *
   * @default true
   */
  readonly evaluate?: boolean;

  /**
   * The least accuracy, 0 to 1. The guide saw 0.5312 in 16 bits.
   *
   * @default - every accuracy is recorded
   */
  readonly minimumScore?: number;

  /**
   * Lengths whose speed is measured; none measures nothing.
   *
   * @default - 256, 512 and 1024 tokens, each with an answer as long
   */
  readonly benchmarkPairs?: SequencePair[];

  /**
   * The longest sequence of the server in tokens.
   *
   * @default 2048
   */
  readonly contextLength?: number;

  /**
   * Pods that answer.
   *
   * @default 1
   */
  readonly replicas?: number;

  /**
   * An image with gradio, for a chat page.
   *
   * @default - no page
   */
  readonly webImage?: string;

  /**
   * A chat on a terminal, on devices of its own.
   *
   * @default false
   */
  readonly chatSession?: boolean;
}
