// The stand-ins refuse what the real programs refuse, so that a command that they take is one.
import { spawnSync } from 'node:child_process';
import * as path from 'node:path';

import { packages } from './run/mindformers';
import { oldestPython } from './run/oldest-python';

const HERE = path.join(__dirname, 'run', 'mindformers');

/** The last line that a program of a tree says before it fails. */
function refusal(tree: string, version: string, script: string, ...words: string[]): string {
  const folder = path.join(HERE, 'trees', tree);
  const paths = [folder, ...packages(version)];
  const { status, stderr } = spawnSync(oldestPython(), [path.join(folder, script), ...words], { encoding: 'utf8', env: { PATH: process.env.PATH, PYTHONPATH: paths.join(':'), PYTHONDONTWRITEBYTECODE: '1' } });
  expect(status).not.toBe(0);
  return stderr.trim().split('\n').at(-1)!;
}

const first = (...words: string[]): string => refusal('c8a5808', '2.0.0rc1', 'run_mindformer.py', '--config', 'configs/glm/run_glm_6b_infer.yaml', ...words);
const second = (...words: string[]): string => refusal('3354237', '2.2.11', 'run_mindformer.py', '--config', 'configs/glm3/run_glm3_6b_finetune_800T_A2_64G.yaml', ...words);

test.each<[string, () => string, string]>([
  ['c8a5808 has no --output_dir', () => first('--output_dir', '/o'), 'run_mindformer.py: error: unrecognized arguments: --output_dir /o'],
  ['c8a5808 has no dotted flags', () => first('--runner_config.epochs=1'), 'run_mindformer.py: error: unrecognized arguments: --runner_config.epochs=1'],
  ['c8a5808 wants a checkpoint to fine-tune', () => first('--run_mode', 'finetune'), 'ValueError: if run status is finetune, load_checkpoint must be input'],
  ['a section that is not there, which c8a5808 would take to no effect', () => first('--options', 'model.config.seq_length=1'), "KeyError: 'config is not a key of the configuration: model.config.seq_length'"],
  ['its evaluation drops --load_checkpoint, and its metric looks for a vocabulary', () => first('--run_mode', 'eval', '--load_checkpoint', '/c.ckpt'),
    'ConnectionError: checkpoint_download/glm/ice_text.model is not there: the real one would be downloaded'],
  ['3354237 wants dotted flags in pairs', () => second('--runner_config.epochs'), "ValueError: input arg key-values are not in pair, please check input args: ['--runner_config.epochs']"],
  ['3354237 wants a boolean', () => second('--use_parallel', 'maybe'), "run_mindformer.py: error: argument --use_parallel: 'maybe' is no boolean"],
  ['3354237 wants the length of both parts and one', () => second('--run_mode', 'finetune', '--model.model_config.seq_length=128'), 'ValueError: seq_length 128 is not max_source_length + max_target_length + 1'],
  ['3354237 measures with the length of the source', () => second('--run_mode', 'eval'), "ValueError: when using 'ADGenDataLoader', seq_length must be equal to max_source_length"],
  ['3354237 cannot measure with the shipped version of the data', () => second('--run_mode', 'eval', '--model.model_config.seq_length=256'), "AttributeError: 'ChatGLM3Tokenizer' object has no attribute 'build_prompt'"],
  ['the data set tool has no --source', () => refusal('c8a5808', '2.0.0rc1', 'mindformers/tools/dataset_preprocess/glm/adgen_dataset.py', '--source', 'x', '--input_file', 'a', '--vocab_file', 'b', '--output_file', 'c'),
    'adgen_dataset.py: error: unrecognized arguments: --source x'],
])('%s', (_what, refused, message) => {
  expect(refused()).toBe(message);
});
