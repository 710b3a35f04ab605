import { ScriptDelivery } from 'cdk8s-chatglm';
import * as fc from 'fast-check';

import { checkImage, mirrored } from '../../lib/image';
import { thrownBy } from '../support/thrown';

const DIGEST = `@sha256:${'a'.repeat(64)}`;

test.each([
  'python:3.12', 'library/python:3.12.7-slim', 'docker.io/library/python:3.12', 'localhost:5000/x:1', 'registry.corp.example:443/a/b_c/d-e.f__g:v1.0_rc-1', `x${DIGEST}`, `x:latest${DIGEST}`,
  'swr.cn-central-221.ovaijisuan.com/mindformers/mindformers1.0_mindspore2.2.11:aarch_20240125',
])('%s is pinned', (image) => {
  expect(() => { checkImage('image', image); }).not.toThrow();
});

test.each(['python', 'python:latest', 'quay.io/ascend/mindformers', 'localhost:5000/x'])('%s moves', (image) => {
  expect(thrownBy(() => { checkImage('image', image); })).toBe(`'image' must be pinned by a full tag or a digest, got '${image}'`);
});

test.each(['', ' ', 'python :3', 'Python:3', 'python:', 'a//b:1', 'a/b/:1', '/a:1', 'x:1@sha256:abc', 'https://quay.io/x:1', 'a.-b:1', 'x:$(TAG)', `x:${'t'.repeat(129)}`])('\'%s\' is no image', (image) => {
  expect(thrownBy(() => { checkImage('image', image); })).toBe(`'image' must be an image like 'registry.example/path/name:tag', got '${image}'`);
});

test('a long wrong name is refused at once', () => {
  const before = Date.now();

  expect(thrownBy(() => { checkImage('image', `${'a-'.repeat(5000)}!`); })).toMatch(/^'image' must be an image like/);
  expect(Date.now() - before).toBeLessThan(500);
});

test.each([
  ['quay.io/ascend/x:1', 'harbor.example/mirror/ascend/x:1'], ['python:3.12', 'harbor.example/mirror/python:3.12'], ['library/python:3.12', 'harbor.example/mirror/library/python:3.12'],
  ['localhost/x:1', 'harbor.example/mirror/x:1'], ['registry:5000/a/x:1', 'harbor.example/mirror/a/x:1'], [`quay.io/x${DIGEST}`, `harbor.example/mirror/x${DIGEST}`],
])('%s is pulled through a mirror as %s', (image, expected) => {
  expect(mirrored(image, 'harbor.example/mirror')).toBe(expected);
});

test('without a mirror an image keeps its name', () => {
  fc.assert(fc.property(fc.string(), (image) => {
    expect(mirrored(image, undefined)).toBe(image);
  }));
});

test('what a mirror makes of a pinned image is pinned', () => {
  const part = fc.stringMatching(/^[a-z0-9]{1,8}$/);

  fc.assert(fc.property(fc.array(part, { minLength: 1, maxLength: 3 }), part, (path, tag) => {
    expect(() => { checkImage('image', mirrored(`${path.join('/')}:${tag}`, 'harbor.example:5000/mirror')); }).not.toThrow();
  }));
});

test('scripts come from ConfigMaps, or from a pinned image', () => {
  expect(ScriptDelivery.configMaps().imageName).toBeUndefined();
  expect(ScriptDelivery.image('example.com/scripts:1').imageName).toBe('example.com/scripts:1');
  expect(thrownBy(() => ScriptDelivery.image('example.com/scripts'))).toBe('\'image\' must be pinned by a full tag or a digest, got \'example.com/scripts\'');
});
