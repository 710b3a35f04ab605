/** How a number is stored: the precision of weights and of the computation. */
export enum Dtype {
  /** 4 bytes a number. */
  FLOAT32 = 'float32',
  /** 2 bytes a number; what every chip of the catalogue computes in. */
  FLOAT16 = 'float16',
  /** 2 bytes a number with the exponent of float32; not on Ascend 910A and 310P. */
  BFLOAT16 = 'bfloat16',
  /** 1 byte a weight, quantized. */
  INT8 = 'int8',
  /** Half a byte a weight, quantized. */
  INT4 = 'int4',
}
