import {
  Artifact, ArtifactFormat, ConvertCheckpoint, type ConvertCheckpointProps, DownloadWeights, GlmModel, InferenceDeployment, type InferenceDeploymentProps, PatchModel, Runtime,
  WeightSource,
} from 'cdk8s-chatglm';
import type { Construct } from 'constructs';

import { artifact, chartWith, CHIP, STORE, synthesized } from '../../support/synthesized';
import { thrownBy } from '../../support/thrown';

const RUNTIME = Runtime.mindIe({ image: 'registry.example/mindie:1' });
const model = GlmModel.CHATGLM2_6B;
const BIN = 'are .bin files, and runtime \'mindie\' reads only safetensors; convert them by ConvertCheckpoint with this runtime';

const downloaded = (scope: Construct, of = model): Artifact => new DownloadWeights(scope, 'weights', { store: STORE, model: of, source: WeightSource.huggingFace(of, { revision: 'a'.repeat(40) }) }).artifact;
const serve = (scope: Construct, props: Partial<InferenceDeploymentProps> = {}): InferenceDeployment => new InferenceDeployment(scope, 'chat', { model, runtime: RUNTIME, accelerator: CHIP, ...props });
const convert = (scope: Construct, from: Artifact, props: Partial<ConvertCheckpointProps> = {}): ConvertCheckpoint => new ConvertCheckpoint(scope, 'safetensors', { model, runtime: RUNTIME, from, ...props });

test('ChatGLM2 is published as .bin files, which are refused, also in a changed copy', () => {
  const chart = chartWith();
  const weights = downloaded(chart);
  const copy = new PatchModel(chart, 'copy', { weights, config: { torch_dtype: 'float16' } }).artifact;
  const inPod = Artifact.downloadedInPod({ store: STORE, model, source: WeightSource.huggingFace(model, { revision: 'a'.repeat(40) }) });

  for (const each of [weights, copy, inPod]) {
    expect(thrownBy(() => serve(chart, { weights: each }))).toBe(`[test/chat] 'weights' (${each.directory}) ${BIN}`);
    chart.node.tryRemoveChild('chat');
  }
});

test('as safetensors they are served', () => {
  const chart = chartWith();
  const weights = downloaded(chart);
  const { artifact: converted } = convert(chart, weights);
  serve(chart, { weights: converted });
  const objects = synthesized(chart);
  const [container] = (objects.find(({ metadata }) => metadata.name.startsWith('test-safetensors'))!.spec as { template: { spec: { containers: { image: string; command: string[] }[] } } }).template.spec.containers;

  expect(converted.format).toBe(ArtifactFormat.HUGGING_FACE);
  expect(container?.image).toBe('registry.example/mindie:1');
  expect(container?.command.slice(container.command.indexOf('--require'))).toEqual([
    '--require', 'config.json', '--require', '*.safetensors', '--', 'python3', '/opt/cdk8s-chatglm/convert_checkpoint.py', '--from', 'huggingface', '--to', 'safetensors', '--family', 'chatglm2',
    '--source', `/artifacts/store/${weights.directory}`, '--output', `/artifacts/store/${converted.directory}`,
  ]);
  expect(objects.flatMap(({ kind, data }) => kind === 'ConfigMap' ? Object.values(data as Record<string, string>) : []).join()).toContain(`"modelWeightPath": "/artifacts/store/${converted.directory}"`);
});

test('what is published as safetensors needs no conversion, and of what exists already nothing is known', () => {
  const chart = chartWith();
  serve(chart, { model: GlmModel.CHATGLM3_6B, weights: downloaded(chart, GlmModel.CHATGLM3_6B) });
  new InferenceDeployment(chart, 'existing', { model, runtime: RUNTIME, accelerator: CHIP, weights: artifact(ArtifactFormat.HUGGING_FACE) });

  expect(synthesized(chart).filter(({ kind }) => kind === 'Deployment')).toHaveLength(2);
});

test.each<[Partial<ConvertCheckpointProps>, string]>([
  [{ to: ArtifactFormat.MINDSPORE }, 'runtime \'mindie\' converts .bin files of huggingface to safetensors of huggingface, got huggingface (some-huggingface) to mindspore'],
  [{ from: artifact(ArtifactFormat.MINDSPORE) }, 'runtime \'mindie\' converts .bin files of huggingface to safetensors of huggingface, got mindspore (some-mindspore) to huggingface'],
  [{ base: artifact(ArtifactFormat.HUGGING_FACE) }, '\'base\' does not go with runtime \'mindie\', which only makes safetensors of the files of \'from\'; leave it out'],
  [{ checkpointFile: 'a.ckpt' }, '\'checkpointFile\' does not go with runtime \'mindie\', which only makes safetensors of the files of \'from\'; leave it out'],
  [{ loraAlpha: 16 }, '\'loraAlpha\' does not go with runtime \'mindie\', which only makes safetensors of the files of \'from\'; leave it out'],
  [{ model: GlmModel.CHATGLM_6B }, 'runtime \'mindie\' does not support chatglm-6b; it supports chatglm2-6b, chatglm3-6b, chatglm3-6b-32k, glm-4-9b, glm-4-9b-chat'],
])('a conversion that MindIE has no use for is refused: %#', (props, message) => {
  expect(thrownBy(() => convert(chartWith(), artifact(ArtifactFormat.HUGGING_FACE), props))).toBe(`[test/safetensors] ${message}`);
});
