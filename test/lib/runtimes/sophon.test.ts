import { Accelerator, ArtifactFormat, ChatSession, CompileBmodel, DevicePlugin, Dtype, ExportOnnx, GlmModel, InferenceDeployment, NodeType, Runtime } from 'cdk8s-chatglm';
import type { Construct } from 'constructs';

import { messageOf } from '../../support/bad-input';
import { artifact, chartWith } from '../../support/synthesized';

const runtime = Runtime.sophon({
  image: 'registry.example/sophon:1', compilerImage: 'registry.example/tpu-mlir:1', sourceTree: artifact(ArtifactFormat.SOURCE_TREE), program: artifact(ArtifactFormat.PROGRAM),
});
const model = GlmModel.CHATGLM3_6B;
const weights = artifact(ArtifactFormat.HUGGING_FACE);

/** A bmodel of 512 tokens in 4 bits, and what runs it. */
function run(compiledFor: number, what: (chart: Construct, props: ConstructorParameters<typeof InferenceDeployment>[2]) => unknown): void {
  const chart = chartWith({
    nodeTypes: [NodeType.SC7_224T_SERVER], devicePlugins: [DevicePlugin.genericDevicePlugin({ name: 'bm1684x', devicesPerUnit: compiledFor })],
  });
  const onnx = new ExportOnnx(chart, 'export', { model, runtime, weights, seqLength: 512 }).artifact;
  const bmodel = new CompileBmodel(chart, 'compile', { model, runtime, onnx, weights, dtype: Dtype.INT4, devices: compiledFor }).artifact;
  what(chart, { model, runtime, weights: bmodel, accelerator: Accelerator.BM1684X, dtype: Dtype.INT4, devices: compiledFor, contextLength: 512 });
}

const serving = (props: object, compiledFor = 1) => () => { run(compiledFor, (chart, given) => new InferenceDeployment(chart, 'serve', { ...given, ...props })); };
const talking = (props: object, compiledFor: number) => () => { run(compiledFor, (chart, { weights: bmodel = weights, ...given }) => new ChatSession(chart, 'chat', { ...given, weights: bmodel, ...props })); };

test.each([
  ['a server of the compiled length', serving({})],
  ['a server of less', serving({ contextLength: 256 })],
  ['a terminal on two chips, whose program knows the length itself', talking({ contextLength: undefined }, 2)],
])('%s runs what was compiled', (_what, program) => {
  expect(program).not.toThrow();
});

const bmodelOf = (message: string): string => message.replace(/compile-[0-9a-f]{10}/g, 'compile-…');

test.each<[string, () => void, string]>([
  ['the usual length', serving({ contextLength: undefined }), '[test/serve] \'contextLength\' is 2048, but the bmodel compile-… was compiled for 512; say that length, or export for more'],
  ['another precision', serving({ dtype: Dtype.INT8 }), '[test/serve] \'devices\' and \'dtype\' are 1 and int8, but the bmodel compile-… was compiled for 1 and int4'],
  ['fewer chips', serving({ devices: 1 }, 2), '[test/serve] \'devices\' and \'dtype\' are 1 and int4, but the bmodel compile-… was compiled for 2 and int4'],
  ['more chips on a terminal', talking({ devices: 4 }, 2), '[test/chat] \'devices\' and \'dtype\' are 4 and int4, but the bmodel compile-… was compiled for 2 and int4'],
])('what a bmodel was not compiled for is refused before anything is loaded: %s', (_what, program, message) => {
  expect(bmodelOf(messageOf(program) ?? 'nothing is refused')).toBe(message);
});
