/** What trains in each rank. */
export class MindFormersProgram {
  /** `run_mindformer.py` of the source tree. */
  public static readonly RUN_MINDFORMER = new MindFormersProgram('run-mindformer');
  /** A small script of this library over MindFormers' `Trainer`, as the ChatGLM-6B guide's `task.py`. MindFormers c8a5808 only. */
  public static readonly TRAINER = new MindFormersProgram('trainer');

  private constructor(
    /** The program's name. */
    public readonly name: string,
  ) {}
}
