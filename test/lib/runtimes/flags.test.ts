import { Accelerator, ArtifactFormat, GlmModel, MindFormersVersion, Platform, RankTable, Runtime, WeightSource } from 'cdk8s-chatglm';

import { scriptFiles } from '../../../constructs/script-files';
import { Artifact } from '../../../lib/artifacts/artifact';
import { artifactFragment } from '../../../lib/artifacts/artifact-mounts';
import { artifact, chartWith, STORE } from '../../support/synthesized';
import { finetuneRequest, serveRequest } from '../../support/task-requests';

/** Scripts of ours in a command, each with its own flags: those up to the `--` behind it. */
function scriptsOf(command: readonly unknown[]): { script: string; flags: string[] }[] {
  const words = command.map((word) => typeof word === 'string' ? word : '');
  return words.flatMap((word, index) => {
    const script = /^\/opt\/cdk8s-chatglm\/(\w+)\.(?:py|sh)$/.exec(word)?.[1];
    const end = words.indexOf('--', index);
    return script === undefined ? [] : [{ script, flags: words.slice(index, end === -1 ? undefined : end).filter((flag) => flag.startsWith('--')) }];
  });
}

const sourceTree = artifact(ArtifactFormat.SOURCE_TREE, 'mindformers');
const mindFormers = Runtime.mindFormers({ version: MindFormersVersion.COMMIT_3354237, sourceTree, setEnvScripts: ['/set_env.sh'] });
const task = mindFormers._finetune(finetuneRequest({ rankTable: RankTable.fromFile('/hccl.json'), schedulerRole: true }));
const weights = Artifact.downloadedInPod({
  store: STORE, model: GlmModel.CHATGLM3_6B, source: WeightSource.huggingFace(GlmModel.CHATGLM3_6B, { revision: 'v1' }), exclude: ['*.md'], connections: 2, verify: true, jsonProgress: true,
});
const awaited = Artifact.existing({ store: STORE, directory: 'a', format: ArtifactFormat.DATASET, marked: true });
const platform = Platform.of(chartWith({ caBundle: { configMapName: 'ca' } }));

const COMMANDS: readonly (readonly unknown[])[] = [
  task.command, task.schedulerTask?.command ?? [],
  Runtime.atbModels({ image: 'x:1' })._serve(serveRequest({ model: GlmModel.CHATGLM2_6B, accelerator: Accelerator.ASCEND_910B3, devices: 1, weights: artifact(ArtifactFormat.HUGGING_FACE) })).command,
  ...(artifactFragment([weights, awaited], undefined, 'x:1', platform).initContainers ?? []).map(({ command = [] }) => command),
];

test.each(COMMANDS.flatMap(scriptsOf).map(({ script, flags }) => [script, flags] as const))('%s knows the flags that it is started with', (script, flags) => {
  const text = scriptFiles(script).map((file) => file.text).join('\n');

  expect(flags.length).toBeGreaterThan(0);
  expect(flags.filter((flag) => !new RegExp(`["' ]${flag}["' )|]`).test(text))).toEqual([]);
});

test('all scripts of a task are among those that its pod gets', () => {
  expect(COMMANDS.flatMap(scriptsOf).map(({ script }) => script)).toEqual([
    'run_task', 'with_vendor_env', 'check_start', 'launch', 'train_rank', 'with_vendor_env', 'launch', 'train_rank', 'with_vendor_env', 'serve_model', 'fetch_weights', 'wait_for_artifacts',
  ]);
  expect(task.fragment.scripts).toEqual(['run_task', 'launch', 'train_rank', 'with_vendor_env', 'check_start']);
});
