// From nothing to a bmodel and a program for the terminal, by the chart's own commands.
import { Testing } from 'cdk8s';

import { DevicePlugin, Dtype, GlmModel, NodeType, SophonChatglm3Chart, WeightSource } from 'cdk8s-chatglm';

import type { Manifest } from '../cluster/support/manifest';
import { LocalHub } from './run/hub';
import { type Proof, runKilled, runWhole } from './run/proof';

const chart = (devices: number): Manifest[] => Testing.synth(new SophonChatglm3Chart(Testing.app(), 'chatglm3', {
  namespace: 'llm', image: 'harbor.corp.example/sophon:1', compilerImage: 'harbor.corp.example/tpu-mlir:1', devices, dtype: Dtype.INT8,
  weightSource: WeightSource.huggingFace(GlmModel.CHATGLM3_6B, { revision: '0123456789'.repeat(4) }),
  platform: { nodeTypes: [NodeType.SC7_224T_SERVER], devicePlugins: [DevicePlugin.genericDevicePlugin({ name: 'bm1684x-2', devicesPerUnit: 2 })] },
})) as Manifest[];

let hub: LocalHub;
beforeAll(async () => { hub = await LocalHub.start(); });
afterAll(() => { hub.stop(); });

const proof = (): Proof => ({
  objects: chart(2), claim: 'chatglm3-store', without: ['cli'],
  short: (job) => job.replace(/^chatglm3-(.*)-[0-9a-f]{8}$/, '$1'),
  moments: { patch: /modeling_chatglm\.py: /, export: /Convert block_9/, compile: /compile block_9/ },
});

test('weights become a bmodel for two chips and a program; killed in the middle of each step, they become the same', async () => {
  const files = await runWhole(proof(), hub);
  const ending = (end: string): string[] => Object.keys(files).filter((name) => name.endsWith(end));

  expect(ending('.bmodel')).toEqual([expect.stringMatching(/^compile-[0-9a-f]{10}\/chatglm3-6b_int8_2dev\.bmodel$/)]);
  expect(files[ending('.bmodel')[0]!]).toMatch(/^W8F16 for 2 of mlir of block_0 of 512 tokens\n/);
  expect([ending('.onnx').length, ending('/chatglm').length, ending('/.cdk8s-chatglm.json').length]).toEqual([58, 1, 7]);
  expect(await runKilled(proof(), hub)).toEqual(files);
});
