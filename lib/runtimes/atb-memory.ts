import { Dtype } from '../accelerators/dtype';
import type { GlmModel } from '../models/glm-model';
import { weightsBytes } from '../models/memory-estimate';
import type { AtbWeights } from './atb-weights';

/** Python, PyTorch, CANN and what they compile, of one process. */
const PROCESS_GIBIBYTES = 2;
/** quant_weight.npy: 27 layers of 203.9 million weights in 8 bits. */
const QUANTIZED_GIBIBYTES = 6;

/**
 * Memory of the host, in GiB, that the processes of one pod need at the same time while the model loads.
 *
 * Each reads its part in 16 bits whole, and for quantized weights then, before that is let go, all quantized weights of all devices
 * (`Quant.init_param` of ModelLink@839b2483 examples/chatglm2/6b/manager.py, which sparse weights use too).
 */
export function hostGibibytes(model: GlmModel, precision: AtbWeights['precision'], devices: number): number {
  const part = Math.ceil(weightsBytes(model, Dtype.FLOAT16) / devices / 2 ** 30);
  return devices * (part + (precision === 'float' ? 0 : QUANTIZED_GIBIBYTES) + PROCESS_GIBIBYTES);
}
