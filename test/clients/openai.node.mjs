// OpenAI's own client for JavaScript, used as its documentation shows. Run: `sh node.sh`.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const require = createRequire(`${process.env.CLIENT_MODULES}/`);
const { OpenAI } = require('openai');

const MODEL = 'chatglm3-6b';
const CALL = "get_weather\n```python\ntool_call(city='北京')\n```";
const TOOL = { type: 'function', function: { name: 'get_weather', parameters: { type: 'object', properties: {} } } };
const entry = fileURLToPath(new URL('../../container/serve_model.py', import.meta.url));

let server;
let port;
let client;

function start(...flags) {
  const argv = [entry, '--backend', 'echo', '--model-name', MODEL, '--host', '127.0.0.1', '--port', '0', ...flags];
  const child = spawn(process.env.PYTHON_UNDER_TEST ?? 'python3', argv, {
    env: { ...process.env, KEYS: 'the-key', PYTHONDONTWRITEBYTECODE: '1' },
  });
  let output = '';
  const listening = new Promise((resolve, reject) => {
    child.stdout.on('data', (data) => {
      output += data;
      const found = /listening on .*:(\d+)\n/.exec(output);
      if (found) resolve(Number(found[1]));
    });
    child.on('exit', (code) => reject(new Error(`the server ended with ${code}: ${output}`)));
  });
  return { child, listening };
}

const user = (content) => [{ role: 'user', content }];
const ask = (content, more = {}) => client.chat.completions.create({ model: MODEL, messages: user(content), ...more });

async function metric(name) {
  const page = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const line = page.split('\n').find((each) => each.startsWith(`chatglm_${name} `));
  return line ? Number(line.split(' ').pop()) : 0;
}

async function eventually(holds, what) {
  for (let tries = 0; tries < 500; tries += 1) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.fail(`never came true: ${what}`);
}

before(async () => {
  server = start('--api-keys-env', 'KEYS', '--context-length', '2000', '--backend-option', 'tokens-per-second=200');
  port = await server.listening;
  client = new OpenAI({ baseURL: `http://127.0.0.1:${port}/v1`, apiKey: 'the-key', maxRetries: 0 });
  await eventually(async () => (await fetch(`http://127.0.0.1:${port}/ready`)).ok, 'ready');
});

after(() => server.child.kill('SIGKILL'));

test('models', async () => {
  const models = await client.models.list();
  assert.deepEqual(models.data.map((model) => model.id), [MODEL]);
  assert.equal((await client.models.retrieve(MODEL)).id, MODEL);
});

test('chat, usage', async () => {
  const answer = await ask('hello 世界');
  assert.equal(answer.choices[0].message.content, 'hello 世界');
  assert.equal(answer.choices[0].finish_reason, 'stop');
  assert.deepEqual(answer.usage, { prompt_tokens: 9, completion_tokens: 4, total_tokens: 13 });
});

test('a stream equals the whole', async () => {
  const whole = await ask('one two 三四 five');
  let text = '';
  let usage = null;
  for await (const chunk of await ask('one two 三四 five', { stream: true, stream_options: { include_usage: true } })) {
    text += chunk.choices[0]?.delta?.content ?? '';
    usage = chunk.usage ?? usage;
  }
  assert.equal(text, whole.choices[0].message.content);
  assert.deepEqual(usage, whole.usage);
});

test('tools', async () => {
  const answer = await ask(CALL, { tools: [TOOL] });
  assert.equal(answer.choices[0].finish_reason, 'tool_calls');
  const call = answer.choices[0].message.tool_calls[0];
  assert.deepEqual([call.function.name, JSON.parse(call.function.arguments)], ['get_weather', { city: '北京' }]);
});

test('errors are of the classes of the client', async () => {
  await assert.rejects(ask('x', { model: 'gpt-4' }), (error) => {
    assert.ok(error instanceof OpenAI.NotFoundError);
    assert.equal(error.code, 'model_not_found');
    return true;
  });
  await assert.rejects(ask('x', { temperature: 9 }), (error) => {
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.equal(error.message, "400 'temperature' is 9: it must be from 0 to 2");
    return true;
  });
  const wrong = new OpenAI({ baseURL: client.baseURL, apiKey: 'wrong', maxRetries: 0 });
  await assert.rejects(wrong.models.list(), OpenAI.AuthenticationError);
});

test('a timeout of the client stops the model', async () => {
  const slow = client.chat.completions.create({ model: MODEL, messages: user('word '.repeat(1000)) }, { timeout: 300 });
  await assert.rejects(slow, OpenAI.APIConnectionTimeoutError);
  await eventually(async () => (await metric('running')) === 0, 'nothing runs');
});

test('a stream that is aborted stops the model', async () => {
  const stream = await ask('word '.repeat(1000), { stream: true });
  for await (const chunk of stream) {
    assert.ok(chunk);
    if (chunk.choices[0].delta.content) break;
  }
  stream.controller.abort();
  await eventually(async () => (await metric('running')) === 0, 'nothing runs');
});
