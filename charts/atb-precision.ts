import { Dtype } from '../lib/accelerators/dtype';

/** The forms in which ChatGLM2-6B runs on ATB. */
export class AtbPrecision {
  /** Weights in 16 bits. */
  public static readonly FLOAT = new AtbPrecision('float', Dtype.FLOAT16);
  /** Weights and activations in 8 bits. */
  public static readonly W8A8 = new AtbPrecision('w8a8', Dtype.INT8);
  /** Sparse weights, compressed: on the Atlas 300I Duo, over two devices. */
  public static readonly SPARSE = new AtbPrecision('sparse', Dtype.INT8);

  private constructor(
    /** The form's name. */
    public readonly name: string,
    /** The precision that steps and servers are told. */
    public readonly dtype: Dtype,
  ) {}

  /** The form's name. */
  public toString(): string {
    return this.name;
  }
}
