import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';

import type { V1PodSpec } from '@kubernetes/client-node';

import { allScripts, configMapKey, containerDirectory, scriptFiles } from '../../constructs/script-files';
import type * as scripts from '../../constructs/script-files';
import { messageOf } from '../support/bad-input';
import { only } from '../support/synthesized';
import { serve } from '../support/workloads';

const PYTHON = process.env.PYTHON_UNDER_TEST ?? 'python3';

let folder: string;

beforeEach(() => { folder = fs.mkdtempSync(path.join(tmpdir(), 'script-files-')); });
afterEach(() => { fs.rmSync(folder, { recursive: true }); });

/** The shell text that unpacks the scripts in every pod, with its two paths replaced. */
function unpackText(source: string, target: string): string {
  const { initContainers } = (only(serve(), 'Deployment').spec as { template: { spec: V1PodSpec } }).template.spec;
  const [shell, options, text] = initContainers!.find(({ name }) => name === 'copy-scripts')!.command!;
  expect([shell, options]).toEqual(['sh', '-ec']);
  return text!.replaceAll('/scripts-source', source).replaceAll('/opt/cdk8s-chatglm', target);
}

/** A volume as the kubelet fills it from a ConfigMap: every key is a link into a folder that is a link itself. */
function configMapVolume(volume: string, data: Record<string, string>): void {
  fs.mkdirSync(path.join(volume, '..2024_01_01'), { recursive: true });
  fs.symlinkSync('..2024_01_01', path.join(volume, '..data'));
  for (const [key, text] of Object.entries(data)) {
    fs.writeFileSync(path.join(volume, '..2024_01_01', key), text);
    fs.symlinkSync(path.join('..data', key), path.join(volume, key));
  }
}

/** Scripts where a pod finds them: each from a ConfigMap volume of its own, unpacked by the pod's own shell text. */
function unpacked(...names: string[]): string {
  const [source, target] = [path.join(folder, 'source'), path.join(folder, 'target')];
  for (const name of names) {
    configMapVolume(path.join(source, name), Object.fromEntries(scriptFiles(name).map((file) => [configMapKey(file), file.text])));
  }
  fs.mkdirSync(target);
  const { status, stderr } = spawnSync('sh', ['-ec', unpackText(source, target)], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return target;
}

function filesUnder(directory: string): Record<string, string> {
  const files = fs.readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((file) => fs.lstatSync(path.join(directory, file)).isFile());
  return Object.fromEntries(files.map((file) => [file, fs.readFileSync(path.join(directory, file), 'utf8')]));
}

/** Runs a command far from the repository and from anything that Python could import by accident. */
function run(command: string, args: readonly string[]): { status: number | null; stderr: string } {
  const { status, stderr } = spawnSync(command, args, {
    cwd: folder, encoding: 'utf8', env: { PATH: process.env.PATH, HOME: folder, PYTHONDONTWRITEBYTECODE: '1', TERMINATION_MESSAGE_PATH: path.join(folder, 'cause') },
  });
  return { status, stderr };
}

describe.each(allScripts())('%s', (name) => {
  test('is less than 200 KiB with all that it imports', () => {
    const bytes = scriptFiles(name).reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);

    expect(bytes).toBeGreaterThan(0);
    expect(bytes).toBeLessThan(200 * 1024);
  });

  test('has keys that a ConfigMap takes, all different', () => {
    const keys = scriptFiles(name).map(configMapKey);

    expect(keys.filter((key) => !/^[-._a-zA-Z0-9]{1,253}$/.test(key))).toEqual([]);
    expect(new Set(keys).size).toBe(keys.length);
  });

  test('arrives in a pod file by file, and starts there alone', () => {
    const target = unpacked(name);
    const entry = path.join(target, fs.existsSync(path.join(target, `${name}.py`)) ? `${name}.py` : `${name}.sh`);

    expect(filesUnder(target)).toEqual(Object.fromEntries(scriptFiles(name).map((file) => [file.path, file.text])));
    expect(entry.endsWith('.py') ? run(PYTHON, [entry, '--help']) : run('bash', [entry, '--', 'true'])).toEqual({ status: 0, stderr: '' });
  });
});

test('scripts of one pod that share modules arrive together', () => {
  const names = ['launch', 'run_task', 'fetch_weights', 'wait_for_artifacts'];
  const target = unpacked(...names);

  expect(names.map((name) => run(PYTHON, [path.join(target, `${name}.py`), '--help']))).toEqual(Array(names.length).fill({ status: 0, stderr: '' }));
});

test('an entry file is collected with the modules that it imports and the packages around them, and with no other entry', () => {
  const files = scriptFiles('run_task').map((file) => file.path);

  expect(files).toEqual(expect.arrayContaining(['run_task.py', 'artifacts/__init__.py', 'artifacts/task.py', 'artifacts/marker.py', 'pod/__init__.py', 'pod/main.py']));
  expect(files.filter((file) => !file.includes('/'))).toEqual(['run_task.py']);
  expect(files).toEqual([...files].sort());
});

test('the same files are read once', () => {
  expect(scriptFiles('run_task')).toBe(scriptFiles('run_task'));
});

test('a script that does not exist is an error', () => {
  expect(messageOf(() => scriptFiles('no_such_script'))).toBe(`there is no script 'no_such_script' in ${containerDirectory()}`);
});

test('a script that has grown beyond a ConfigMap is an error', () => {
  let fresh: typeof scripts | undefined;
  jest.isolateModules(() => { fresh = jest.requireActual<typeof scripts>('../../constructs/script-files'); });
  const read = jest.spyOn(fs, 'readFileSync').mockReturnValue('#'.repeat(200 * 1024 + 1));
  const message = messageOf(() => fresh!.scriptFiles('run_task'));
  read.mockRestore();

  expect(message).toBe('the files of the script \'run_task\' have 201 KiB, more than the 200 KiB of a ConfigMap; use ScriptDelivery.image');
});
