// From nothing to migrated sources and a patched model, by the chart's own commands.
import { Testing } from 'cdk8s';

import { Accelerator, CambriconChatglmChart, DevicePlugin, GlmModel, NodeType, WeightSource } from 'cdk8s-chatglm';

import type { Manifest } from '../cluster/support/manifest';
import { LocalHub } from './run/hub';
import { type Proof, runKilled, runWhole } from './run/proof';

const objects = (): Manifest[] => Testing.synth(new CambriconChatglmChart(Testing.app(), 'chatglm', {
  namespace: 'llm', image: 'harbor.corp.example/chatglm-mlu:1', accelerator: Accelerator.MLU370_X8,
  weightSource: WeightSource.huggingFace(GlmModel.CHATGLM_6B, { revision: '0123456789'.repeat(4) }),
  platform: { nodeTypes: [NodeType.MLU370_X8_SERVER], devicePlugins: [DevicePlugin.cambricon()] },
})) as Manifest[];

let hub: LocalHub;
beforeAll(async () => { hub = await LocalHub.start(); });
afterAll(() => { hub.stop(); });

const proof = (): Proof => ({
  objects: objects(), claim: 'chatglm-store', without: ['benchmark'],
  short: (job) => job.replace(/^chatglm-(.*)-[0-9a-f]{8}$/, '$1'),
  moments: { patch: /modeling_chatglm\.py: /, 'transformers-mlu': /Migration Report/, 'chatglm-6b-mlu': /Migration Report/ },
});

test('both trees are migrated and the model is patched; killed in the middle of each step, they end the same', async () => {
  const files = await runWhole(proof(), hub);
  const text = (pattern: RegExp): string => files[Object.keys(files).find((name) => pattern.test(name)) ?? ''] ?? '';

  expect(text(/^transformers-mlu-[0-9a-f]+\/src\/transformers\/trainer\.py$/)).toContain('model.mlu()');
  expect(text(/^chatglm-6b-mlu-[0-9a-f]+\/api\.py$/)).toContain('.half().mlu()');
  expect(text(/^chatglm-6b-mlu-[0-9a-f]+\/report\.md$/)).toMatch(/changes/);
  const patched = text(/^patch-[0-9a-f]+\/modeling_chatglm\.py$/);
  expect([/torch\.concat/, /_jit_/, /import skip_init/].filter((pattern) => pattern.test(patched))).toEqual([]);
  expect(text(/^chatglm-6b-[0-9a-f]{10}\/modeling_chatglm\.py$/)).toContain('torch.concat');
  expect(await runKilled(proof(), hub)).toEqual(files);
});
