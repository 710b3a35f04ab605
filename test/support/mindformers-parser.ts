import type { MindFormersVersion } from 'cdk8s-chatglm';

/** What argparse does with a flag's value. `texts` and `pairs` take one or more. */
type Kind = 'text' | 'texts' | 'whole' | 'boolean' | 'pairs';

/** Flags of run_mindformer.py at c8a5808. */
const FIRST: Readonly<Record<string, Kind>> = {
  config: 'text', mode: 'whole', device_id: 'whole', device_target: 'text', run_mode: 'text', train_dataset_dir: 'text', eval_dataset_dir: 'text', predict_data: 'text',
  load_checkpoint: 'text', resume_training: 'boolean', strategy_load_checkpoint: 'text', remote_save_url: 'text', seed: 'whole', use_parallel: 'boolean', profile: 'boolean',
  options: 'pairs', epochs: 'whole', batch_size: 'whole', sink_mode: 'boolean', num_samples: 'whole',
};
/** Flags from 3354237 and 1.0 on. */
const SECOND: Readonly<Record<string, Kind>> = {
  ...FIRST, predict_data: 'texts', do_eval: 'boolean', predict_batch_size: 'whole', src_strategy_path_or_dir: 'text', auto_trans_ckpt: 'boolean',
  only_save_strategy: 'boolean', gradient_accumulation_steps: 'whole', output_dir: 'text',
};
const THIRD: Readonly<Record<string, Kind>> = { ...SECOND, transform_process_num: 'whole' };

/** The flags of a version's run_mindformer.py, by its name. */
const FLAGS: Readonly<Record<string, Readonly<Record<string, Kind>>>> = {
  'c8a5808': FIRST, '3354237': SECOND, '1.0.2': SECOND, '1.1.0': SECOND, '1.2.0': THIRD,
  '1.3.2': { ...THIRD, modal_type: 'texts', adapter_id: 'text', register_path: 'text' },
};

/** A command line as the program understands it. */
export interface ParsedRun {
  readonly flags: Readonly<Record<string, readonly string[]>>;
  /** Dotted keys that it changes, by flag of their own or by `--options`. */
  readonly overrides: Readonly<Record<string, string>>;
}

/**
 * Reads the arguments of run_mindformer.py as the version's own does: argparse first, and what it does not know as pairs around `=` where the version has that.
 *
 * @throws what the program would end with
 */
export function parseRunMindFormer(version: MindFormersVersion, words: readonly string[]): ParsedRun {
  const known = FLAGS[version.name]!;
  const flags: Record<string, string[]> = {};
  const rest: string[] = [];
  for (let index = 0; index < words.length;) {
    const [flag, ...inline] = words[index]!.split('=');
    const kind = known[flag!.replace(/^--/, '')];
    index += 1;
    if (!flag!.startsWith('--') || kind === undefined) {
      rest.push([flag, ...inline].join('='));
      continue;
    }
    const end = kind === 'texts' || kind === 'pairs' ? endOfValues(words, index) : index + 1;
    const values = inline.length > 0 ? [inline.join('=')] : words.slice(index, end);
    index = inline.length > 0 ? index : end;
    flags[flag!.slice(2)] = checkValues(flag!, kind, values);
  }
  if (flags.config === undefined) {
    throw new Error('the following arguments are required: --config');
  }
  return { flags, overrides: { ...pairs(flags.options ?? []), ...(known === FIRST ? refuse(rest) : dotted(rest)) } };
}

function endOfValues(words: readonly string[], start: number): number {
  const next = words.findIndex((word, index) => index >= start && word.startsWith('-'));
  return next === -1 ? words.length : next;
}

function checkValues(flag: string, kind: Kind, values: readonly string[]): string[] {
  if (values.length === 0 || values.some((value) => value.startsWith('--'))) {
    throw new Error(`argument ${flag}: expected one argument`);
  }
  const wrong = values.find((value) => (kind === 'whole' && !/^-?\d+$/.test(value)) || (kind === 'boolean' && !/^(true|false|1|0)$/i.test(value)));
  if (wrong !== undefined) {
    throw new Error(`argument ${flag}: invalid ${kind} value: '${wrong}'`);
  }
  return [...values];
}

function refuse(rest: readonly string[]): Record<string, string> {
  if (rest.length > 0) {
    throw new Error(`unrecognized arguments: ${rest.join(' ')}`);
  }
  return {};
}

function dotted(rest: readonly string[]): Record<string, string> {
  const parts = rest.flatMap((word) => word.split('='));
  if (parts.length % 2 !== 0) {
    throw new Error('input arg key-values are not in pair, please check input args.');
  }
  const found: Record<string, string> = {};
  for (let index = 0; index < parts.length; index += 2) {
    if (!parts[index]!.startsWith('--')) {
      throw new Error('Custom config key need to start with --.');
    }
    found[parts[index]!.slice(2)] = parts[index + 1]!;
  }
  return found;
}

function pairs(options: readonly string[]): Record<string, string> {
  return Object.fromEntries(options.map((option) => {
    const place = option.indexOf('=');
    if (place < 1) {
      throw new Error(`argument --options: '${option}' is no pair`);
    }
    return [option.slice(0, place), option.slice(place + 1)];
  }));
}

/**
 * Throws unless every section that leads to a key is there: only the last part of a key may be new.
 *
 * @param keys the configuration's
 */
export function checkSections(overrides: Readonly<Record<string, string>>, keys: ReadonlySet<string>): void {
  for (const key of Object.keys(overrides)) {
    const section = key.split('.').slice(0, -1).join('.');
    if (section !== '' && ![...keys].some((known) => known.startsWith(`${section}.`))) {
      throw new Error(`${section} is not a key, please check input arg keys: ${key}`);
    }
  }
}
