/**
 * A change of a model's remote code (`modeling_chatglm.py`) that some software needs. Each knows what it looks for, counts what it
 * changes, and fails where nothing matches (`container/patching/patches.py`).
 */
export class ModelPatch {
  /** `torch.nn.utils.skip_init` replaced by a plain construction: torch has it from 1.10 on. */
  public static readonly SKIP_INIT = new ModelPatch('skip-init');
  /** `torch.concat` replaced by `torch.cat`: torch has that name from 1.10 on. */
  public static readonly TORCH_CONCAT = new ModelPatch('torch-concat');
  /** The switches of CUDA's fusion (`torch._C._jit_...`) taken out. */
  public static readonly JIT = new ModelPatch('jit');
  /** `@torch.jit.script` taken out, for exports. */
  public static readonly JIT_SCRIPT = new ModelPatch('jit-script');
  /** The attention mask added instead of filled in, as Sophgo's runtime gives it. */
  public static readonly SOPHON_MASK = new ModelPatch('sophon-mask');
  /** The branch for torch 2 taken out, which ONNX has no form for. */
  public static readonly SOPHON_MAJOR_VERSION = new ModelPatch('sophon-major-version');

  /** What torch 1.9 needs: SKIP_INIT, TORCH_CONCAT and JIT. */
  public static forTorch19(): ModelPatch[] {
    return [ModelPatch.SKIP_INIT, ModelPatch.TORCH_CONCAT, ModelPatch.JIT];
  }

  /** What the export for Sophgo needs: SOPHON_MASK and SOPHON_MAJOR_VERSION. */
  public static forSophonExport(): ModelPatch[] {
    return [ModelPatch.SOPHON_MASK, ModelPatch.SOPHON_MAJOR_VERSION];
  }

  private constructor(
    /** The `--patch` of patch_modeling.py. */
    public readonly name: string,
  ) {}
}
