import { GlmFamily, GlmModel, type GlmModelProps } from 'cdk8s-chatglm';

import { thrownBy } from '../../support/thrown';

const OURS: GlmModelProps = {
  name: 'ours-6b', family: GlmFamily.CHATGLM3, shape: { layers: 28, hiddenSize: 4096, ffnHiddenSize: 13696, heads: 32, kvHeads: 2, vocabSize: 65024 },
  weightsBytes: 12487168064, maxSequenceLength: 8192, license: 'MIT',
};

test.each([
  ['chatglm-6b', 2048, 'THUDM/chatglm-6b', undefined], ['chatglm2-6b', 32768, 'THUDM/chatglm2-6b', undefined], ['chatglm2-6b-32k', 32768, 'THUDM/chatglm2-6b-32k', undefined],
  ['chatglm3-6b', 8192, 'THUDM/chatglm3-6b', 'ZhipuAI/chatglm3-6b'], ['chatglm3-6b-base', 32768, 'THUDM/chatglm3-6b-base', 'ZhipuAI/chatglm3-6b-base'],
  ['chatglm3-6b-32k', 32768, 'THUDM/chatglm3-6b-32k', 'ZhipuAI/chatglm3-6b-32k'], ['chatglm3-6b-128k', 131072, 'THUDM/chatglm3-6b-128k', 'ZhipuAI/chatglm3-6b-128k'],
  ['glm-4-9b', 8192, 'THUDM/glm-4-9b', 'ZhipuAI/glm-4-9b'], ['glm-4-9b-chat', 131072, 'THUDM/glm-4-9b-chat', 'ZhipuAI/glm-4-9b-chat'],
  ['glm-4-9b-chat-1m', 1048576, 'THUDM/glm-4-9b-chat-1m', 'ZhipuAI/glm-4-9b-chat-1m'], ['glm-4-9b-0414', 32768, 'THUDM/GLM-4-9B-0414', 'ZhipuAI/GLM-4-9B-0414'],
])('%s takes %i tokens and is %s', (name, tokens, huggingFace, modelScope) => {
  const model = GlmModel.all().find((candidate) => candidate.name === name);

  expect(model).toMatchObject({ maxSequenceLength: tokens, huggingFace });
  expect(model?.modelScope).toBe(modelScope);
});

test('the catalogue has these eleven models', () => {
  expect(GlmModel.all()).toHaveLength(11);
});

test.each([
  [GlmModel.CHATGLM_6B, 458752], [GlmModel.CHATGLM2_6B, 28672], [GlmModel.CHATGLM3_6B, 28672], [GlmModel.GLM_4_9B_CHAT, 40960], [GlmModel.GLM_4_9B_CHAT_1M, 81920],
])('a token of %s occupies %i bytes of keys and values', (model, bytes) => {
  expect(model.kvBytesPerToken).toBe(bytes);
});

test('the weights are about two bytes a parameter', () => {
  expect(GlmModel.all().map(({ name, parameters }) => [name, Math.round(parameters / 1e8) / 10])).toEqual([
    ['chatglm-6b', 6.7], ['chatglm2-6b', 6.2], ['chatglm2-6b-32k', 6.2], ['chatglm3-6b', 6.2], ['chatglm3-6b-base', 6.2], ['chatglm3-6b-32k', 6.2],
    ['chatglm3-6b-128k', 6.2], ['glm-4-9b', 9.4], ['glm-4-9b-chat', 9.4], ['glm-4-9b-chat-1m', 9.5], ['glm-4-9b-0414', 9.4],
  ]);
});

test('a copy keeps remote code and tokenizer, and one form of the weights', () => {
  expect(GlmModel.CHATGLM_6B.filePatterns).toEqual(['*.json', '*.py', 'ice_text.model', '*.bin']);
  expect(GlmModel.CHATGLM3_6B.filePatterns).toEqual(['*.json', '*.py', 'tokenizer.model', '*.safetensors']);
  expect(GlmModel.CHATGLM3_6B.requiredPatterns).toEqual(['config.json', 'tokenizer.model', '*.safetensors']);
  expect(GlmModel.GLM_4_9B_CHAT.requiredPatterns).toEqual(['config.json', '*.safetensors']);
  expect(GlmModel.GLM_4_9B_0414.requiredPatterns).toEqual(['config.json', 'tokenizer.json', '*.safetensors']);
  expect(GlmModel.GLM_4_9B_0414.essentialFiles).not.toContain('modeling_chatglm.py');
});

test('a revision is known only where a runtime\'s guide names one', () => {
  const named = GlmModel.all().flatMap((model) => ['mindformers', 'atb-models', 'cambricon-pytorch', 'sophon', 'mindie']
    .filter((runtime) => model.revisionFor(runtime) !== undefined).map((runtime) => `${model.name} by ${runtime}`));

  expect(named).toEqual(['chatglm2-6b by atb-models', 'chatglm3-6b by mindie', 'glm-4-9b-chat by mindie']);
});

test('a model is not changed through what it was made from', () => {
  const props = { ...OURS, shape: { ...OURS.shape }, revisions: { mindformers: 'v1' } };
  const model = GlmModel.custom(props);

  props.shape.layers = 1;
  props.revisions.mindformers = 'v2';

  expect(model.shape.layers).toBe(28);
  expect(model.revisionFor('mindformers')).toBe('v1');
  expect(Object.isFrozen(model.shape)).toBe(true);
});

test.each([
  [{ name: 'Ours' }, '\'name\' of a model must be lower case letters, digits, \'-\' and \'.\', at most 52, got \'Ours\''],
  [{ name: 'a'.repeat(53) }, `'name' of a model must be lower case letters, digits, '-' and '.', at most 52, got '${'a'.repeat(53)}'`],
  [{ weightsBytes: -1 }, '\'weightsBytes\' of model \'ours-6b\' must be a whole number from 1, got -1'],
  [{ maxSequenceLength: 0 }, '\'maxSequenceLength\' of model \'ours-6b\' must be a whole number from 1, got 0'],
  [{ shape: { ...OURS.shape, layers: 1.5 } }, '\'layers\' of model \'ours-6b\' must be a whole number from 1, got 1.5'],
  [{ shape: { ...OURS.shape, heads: 3 } }, '\'heads\' of model \'ours-6b\' must divide \'hiddenSize\' and be a multiple of \'kvHeads\', got 3, 4096 and 2'],
  [{ shape: { ...OURS.shape, kvHeads: 3 } }, '\'heads\' of model \'ours-6b\' must divide \'hiddenSize\' and be a multiple of \'kvHeads\', got 32, 4096 and 3'],
  [{ weightFiles: 'pt' }, '\'weightFiles\' of model \'ours-6b\' must be \'bin\' or \'safetensors\', got \'pt\''],
])('a model that cannot be is refused: %#', (change, message) => {
  expect(thrownBy(() => GlmModel.custom({ ...OURS, ...change }))).toBe(message);
});
