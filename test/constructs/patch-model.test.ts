import { ArtifactFormat, ModelPatch, PatchModel, type PatchModelProps } from 'cdk8s-chatglm';

import { messageOf } from '../support/bad-input';
import { artifact, chartWith, STORE, synthesized } from '../support/synthesized';

const WEIGHTS = artifact(ArtifactFormat.HUGGING_FACE, 'chatglm3');

function patch(props: Partial<PatchModelProps> = {}) {
  const chart = chartWith();
  const construct = new PatchModel(chart, 'patch', { weights: WEIGHTS, patches: [ModelPatch.SKIP_INIT], ...props });
  const job = synthesized(chart).find(({ kind }) => kind === 'Job') as unknown as { spec: { template: { spec: { containers: { command: string[]; image: string }[] } } } };
  return { artifact: construct.artifact, main: job.spec.template.spec.containers[0]! };
}

test('code and configuration are patched in one Job, under lease and marker', () => {
  const { main, artifact: { path } } = patch({ patches: ModelPatch.forSophonExport(), config: { seq_length: 512, float_layers_id: [0] } });

  expect(main.command.slice(main.command.indexOf('--') + 1)).toEqual([
    'python3', '/opt/cdk8s-chatglm/patch_modeling.py', '--source', '/artifacts/store/chatglm3', '--output', path, '--patch', 'sophon-mask', '--patch', 'sophon-major-version',
    '--set', 'seq_length=512', '--set', 'float_layers_id=[0]',
  ]);
  expect(main.command.slice(0, 4)).toEqual(['python3', '/opt/cdk8s-chatglm/run_task.py', '--output', path]);
});

test('a configuration alone needs no patch of the code', () => {
  const { main } = patch({ patches: [], config: { world_size: 1 } });

  expect(main.command).toEqual(expect.arrayContaining(['/opt/cdk8s-chatglm/patch_config.py', '--set', 'world_size=1']));
});

test('what is changed makes another artifact, who changes it does not', () => {
  const paths = [patch(), patch({ patches: [ModelPatch.JIT] }), patch({ config: { seq_length: 1 } }), patch({ image: 'registry.example/python:3.11' })].map((made) => made.artifact.path);

  expect(new Set(paths.slice(0, 3)).size).toBe(3);
  expect(paths[3]).toBe(paths[0]);
});

test('store and image can be said', () => {
  const { main, artifact: made } = patch({ image: 'registry.example/python:3.11', store: { ...STORE, storeName: 'other' } });

  expect(main.image).toBe('registry.example/python:3.11');
  expect(made.path).toMatch(/^\/artifacts\/other\/patch-[0-9a-f]{10}$/);
});

test.each<[string, Partial<PatchModelProps>, string]>([
  ['nothing to change', { patches: [] }, '[test/patch] there is nothing to change: give \'patches\' or \'config\''],
  ['another format', { weights: artifact(ArtifactFormat.BMODEL) }, '[test/patch] \'weights\' must hold huggingface, got bmodel (some-bmodel); DownloadWeights makes them'],
  ['a path instead of a key', { config: { 'a.b': 1 } }, '[test/patch] \'config\' has \'a.b\': a top-level key of config.json is needed, like \'seq_length\''],
  ['a read-only store', { store: { ...STORE, readOnly: true } }, '[test/patch] \'store\' store is read-only; \'patch\' cannot be written to it'],
  ['an image without a tag', { image: 'python' }, '[test/patch] \'image\' must be pinned by a full tag or a digest, got \'python\''],
])('%s is refused', (_what, props, message) => {
  expect(messageOf(() => patch(props))).toBe(message);
});
