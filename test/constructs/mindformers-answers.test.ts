import {
  ArtifactFormat, Benchmark, ChatSession, GlmModel, InferenceDeployment, MindFormersVersion, type MindFormersOptions, type ModelOptions, Predict, Runtime,
} from 'cdk8s-chatglm';
import type { Chart } from 'cdk8s';

import { podOf } from '../support/pod-of';
import { artifact, chartWith, CHIP, only, synthesized } from '../support/synthesized';

const options: MindFormersOptions = { version: MindFormersVersion.COMMIT_3354237, sourceTree: artifact(ArtifactFormat.SOURCE_TREE) };
const model = (changes: Partial<MindFormersOptions> = {}): ModelOptions => ({
  model: GlmModel.CHATGLM3_6B, runtime: Runtime.mindFormers({ ...options, ...changes }), weights: artifact(ArtifactFormat.MINDSPORE), accelerator: CHIP,
});

describe('pods that answer run where their image can', () => {
  const arm = { 'kubernetes.io/arch': 'arm64' };
  const pods: readonly [string, string, (chart: Chart, props: ModelOptions) => unknown][] = [
    ['a server', 'Deployment', (chart, props) => new InferenceDeployment(chart, 'next', props)],
    ['answers', 'Job', (chart, props) => new Predict(chart, 'next', { ...props, prompts: ['?'] })],
    ['a benchmark', 'Job', (chart, props) => new Benchmark(chart, 'next', props)],
    ['a chat', 'Job', (chart, props) => new ChatSession(chart, 'next', props)],
  ];

  test.each(pods)('%s', (_what, kind, render) => {
    const nodes = (changes: Partial<MindFormersOptions>): unknown => {
      const chart = chartWith();
      render(chart, model(changes));
      return podOf(only(synthesized(chart), kind)).spec.nodeSelector;
    };
    expect(nodes({})).toMatchObject(arm);
    expect(nodes({ image: 'registry.example/mindformers:both' })).not.toHaveProperty(['kubernetes.io/arch']);
  });
});

test('answers of another source tree, or with adapters, are other answers', () => {
  const lineage = (changes: Partial<MindFormersOptions>): string => new Predict(chartWith(), 'predict', { ...model(changes), prompts: ['?'] }).artifact.lineage;
  const image = 'registry.example/mindformers:1';
  expect(lineage({ image })).toBe(lineage({ image }));
  expect(lineage({ image, lora: true })).not.toBe(lineage({ image }));
  expect(lineage({ image, sourceTree: artifact(ArtifactFormat.SOURCE_TREE, 'another-tree') })).not.toBe(lineage({ image }));
});
