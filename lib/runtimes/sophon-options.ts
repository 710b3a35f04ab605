import type { Artifact } from '../artifacts/artifact';

/** Options of `Runtime.sophon`. */
export interface SophonOptions {
  /** An image with Python 3 and the `chat` extension of LLM-TPU's python_demo; no public one is known. */
  readonly image: string;

  /**
   * The source tree of LLM-TPU with its exporter, its compile script and its programs, which go together: at edb7f13e for one chip and the
   * extension `chat`, at 909f9dab for several chips and the program for a terminal, which does not run what later ones compile.
   *
   * @default - none, which only a ready bmodel can do without
   */
  readonly sourceTree?: Artifact;

  /**
   * An image with TPU-MLIR, torch and transformers, for exporting and compiling; x86 only.
   *
   * @default - none, which only a ready bmodel can do without
   */
  readonly compilerImage?: string;

  /**
   * The source tree of sentencepiece, which the program for a terminal is linked with.
   *
   * @default - none
   */
  readonly sentencepieceTree?: Artifact;

  /**
   * The extension `chat` that BuildProgram made of `python-demo`.
   *
   * @default - the image has it
   */
  readonly extension?: Artifact;

  /**
   * The program that BuildProgram made of `demo`, for conversations on several chips; its source tree must be that of the bmodel.
   *
   * @default - none
   */
  readonly program?: Artifact;
}
