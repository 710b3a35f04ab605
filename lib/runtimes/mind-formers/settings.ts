/** Keys of the configuration that props set, so that they are checked. */
const PROPS_OF_KEYS: ReadonlyMap<string, string> = new Map(Object.entries({
  'model.model_config.seq_length': 'seqLength', 'train_dataset.max_source_length': 'maxSourceLength', 'train_dataset.max_target_length': 'maxTargetLength',
  'train_dataset.max_seq_length': 'seqLength', 'parallel_config.data_parallel': 'dataParallel', 'parallel_config.model_parallel': 'modelParallel',
  'parallel_config.pipeline_stage': 'pipelineStages', 'lr_schedule.learning_rate': 'learningRate', 'recompute_config.recompute': 'recompute',
  'model.model_config.use_flash_attention': 'flashAttention', 'runner_config.epochs': 'epochs', 'runner_config.batch_size': 'batchSize',
  'context.max_device_memory': 'deviceMemory', 'train_dataset.data_loader.dataset_dir': 'trainFile', 'eval_dataset.data_loader.dataset_dir': 'evalFile',
}));

/** A configuration's keys, and what to call it in messages. */
export interface KnownKeys {
  readonly file: string;
  readonly keys: ReadonlySet<string>;
  /** The version. */
  readonly release: string;
}

/** Throws unless the configuration has the keys, so that a misspelt one is found at synth. */
export function checkSettings(settings: Readonly<Record<string, string>>, known: KnownKeys): void {
  for (const key of Object.keys(settings)) {
    const prop = PROPS_OF_KEYS.get(key);
    if (prop !== undefined) {
      throw new Error(`'settings' has '${key}', which has a prop of its own: set '${prop}', which is checked`);
    }
  }
  checkKeys(settings, known);
}

/** The same where no key has a prop of its own. */
export function checkKeys(settings: Readonly<Record<string, string>>, { file, keys, release }: KnownKeys): void {
  for (const [key, value] of Object.entries(settings)) {
    if (typeof value !== 'string') {
      throw new Error(`'settings' has '${key}', whose value must be a text like '2', got ${String(value)}`);
    }
    if (!/^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$/.test(key) || value.includes('=')) {
      throw new Error(`'settings' has '${key}': keys are dotted like 'model.model_config.seq_length', and run_mindformer.py cannot take a value with '=', got '${value}'`);
    }
    if (!keys.has(key)) {
      throw new Error(`'settings' has '${key}', which ${file} of MindFormers ${release} has not; the nearest is '${nearest(key, keys)}'`);
    }
  }
}

function nearest(key: string, keys: ReadonlySet<string>): string {
  const ranked = [...keys].map((known) => ({ known, distance: editDistance(key, known) })).sort((a, b) => a.distance - b.distance);
  return ranked[0]?.known ?? '';
}

/** Letters to insert, delete or replace. */
function editDistance(a: string, b: string): number {
  let previous = [...b, ''].map((_, index) => index);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const replaced = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}
