/** How the files of a data set are written. */
export class DatasetKind {
  /** JSON lines with `content` and `summary`, as ADGEN has them. */
  public static readonly ADGEN = new DatasetKind('adgen', 'train.json', 'dev.json');
  /** ToolAlpaca: instances with tool calls (`train_data.json` of its repository), or the conversations made of them (`tool_alpaca.jsonl`). */
  public static readonly TOOL_ALPACA = new DatasetKind('tool-alpaca', 'data/train_data.json');
  /** JSON lines with a prompt and an answer in columns of any name. */
  public static readonly JSON_LINES = new DatasetKind('json-lines', 'train.json', 'dev.json');

  private constructor(
    /** The kind's name, the `--kind` of prepare_dataset.py. */
    public readonly name: string,
    /** The file for training as published. */
    public readonly trainFile: string,
    /** The file for evaluation as published, where there is one. */
    public readonly evalFile?: string,
  ) {}
}
