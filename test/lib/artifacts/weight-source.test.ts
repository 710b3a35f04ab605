import { readFileSync } from 'node:fs';
import * as path from 'node:path';

import { GlmModel, WeightSource } from 'cdk8s-chatglm';

import { STORE } from '../../support/synthesized';
import { thrownBy } from '../../support/thrown';

const model = GlmModel.CHATGLM3_6B;
const SHA = 'a'.repeat(64);
const argument = (source: WeightSource, endpoints = {}) => JSON.parse(source._argument(endpoints)) as unknown;

test('a hub\'s repository and pin come from the catalogue where a guide names them', () => {
  const source = WeightSource.huggingFace(GlmModel.CHATGLM2_6B, { runtime: 'atb-models' });

  expect(argument(source)).toEqual({ kind: 'huggingface', repository: 'THUDM/chatglm2-6b', revision: GlmModel.CHATGLM2_6B.revisionFor('atb-models') });
});

test.each([
  ['huggingface', WeightSource.huggingFace(model, { revision: 'main', trustOnFirstUse: true })],
  ['modelscope', WeightSource.modelScope(model, { revision: 'master', trustOnFirstUse: true })],
  ['s3', WeightSource.s3({ endpoint: 'https://minio.example', bucket: 'models', prefix: 'glm', trustOnFirstUse: true })],
])('what is trusted on first use is recorded by the script: %s', (kind, source) => {
  expect(argument(source)).toMatchObject({ kind, trustOnFirstUse: true });
});

test('a bucket is where the endpoint wants it unless the source says where', () => {
  const at = (virtualHosted?: boolean) => argument(WeightSource.s3({ endpoint: 'https://obs.cn-north-4.myhuaweicloud.com', bucket: 'models', prefix: 'glm', version: '1', virtualHosted }));

  expect(at()).toEqual({ kind: 's3', endpoint: 'https://obs.cn-north-4.myhuaweicloud.com', bucket: 'models', prefix: 'glm' });
  expect([at(true), at(false)]).toMatchObject([{ addressing: 'virtual' }, { addressing: 'path' }]);
});

test.each([
  { endpoint: 'https://minio.example', bucket: 'my.models' },
  { endpoint: 'http://obs.cn-north-4.myhuaweicloud.com', bucket: 'my.models' },
  { endpoint: 'https://obs.cn-north-4.myhuaweicloud.com', bucket: 'my.models', virtualHosted: false },
  { endpoint: 'https://obs.cn-north-4.myhuaweicloud.com', bucket: 'my-models' },
  { endpoint: 'https://myhuaweicloud.com.example', bucket: 'my.models' },
])('%j may be a bucket', (place) => {
  expect(argument(WeightSource.s3({ ...place, prefix: 'glm', version: '1' }))).toMatchObject({ bucket: place.bucket });
});

test('the hosts that want the bucket in their name are those that the script knows', () => {
  const script = readFileSync(path.join(__dirname, '../../../container/fetch/sources/place.py'), 'utf8');
  const suffixes = JSON.parse(`[${/_VIRTUAL_HOSTS = \((.*)\)/.exec(script)![1]!}]`) as string[];

  expect(suffixes).toEqual(['.myhuaweicloud.com', '.myhuaweicloud.eu', '.aliyuncs.com']);
  suffixes.forEach((suffix) => {
    expect(() => WeightSource.s3({ endpoint: `https://obs.x${suffix}`, bucket: 'a.b', prefix: 'p', version: '1' })).toThrow('has dots');
  });
});

test('an endpoint of its own wins over the platform\'s', () => {
  const own = WeightSource.modelScope(model, { revision: 'v1', endpoint: 'https://own.example/' });

  expect(argument(own, { modelscope: 'https://platform.example' })).toMatchObject({ endpoint: 'https://own.example' });
  expect(argument(WeightSource.modelScope(model, { revision: 'v1' }), { modelscope: 'https://platform.example' })).toMatchObject({ endpoint: 'https://platform.example' });
});

test('a checksum makes the place of a file irrelevant', () => {
  const at = (host: string, sha256?: string) => WeightSource.http({ files: [{ url: `https://${host}/glm3_6b.ckpt`, ...(sha256 !== undefined && { sha256 }) }], trustOnFirstUse: true })._identity;

  expect(at('a.example', SHA)).toEqual(at('b.example', SHA));
  expect(at('a.example')).not.toEqual(at('b.example'));
  expect(at('a.example', SHA)).not.toEqual(at('a.example', 'b'.repeat(64)));
});

test('a commit on GitHub is an archive whose content the commit pins', () => {
  const source = WeightSource.gitHubCommit('mindspore-lab/mindformers', 'c'.repeat(40));

  expect(argument(source)).toEqual({
    kind: 'archive', url: `https://github.com/mindspore-lab/mindformers/archive/${'c'.repeat(40)}.tar.gz`, trustOnFirstUse: true, stripComponents: 1,
  });
  expect(source._identity).toEqual({ kind: 'archive', identity: { repository: 'mindspore-lab/mindformers', commit: 'c'.repeat(40) } });
});

test.each<[() => unknown, string]>([
  [() => WeightSource.huggingFace(model), '\'revision\' of chatglm3-6b is missing: give the commit, or a \'runtime\' whose guide names one'],
  [() => WeightSource.huggingFace(model, { revision: ' ' }), '\'revision\' of chatglm3-6b is empty: give the commit, or a \'runtime\' whose guide names one'],
  [() => WeightSource.huggingFace(model, { revision: 'main' }), '\'revision\' \'main\' of chatglm3-6b moves: give a commit, or set \'trustOnFirstUse\' to keep what the first download sees'],
  [() => WeightSource.modelScope(model), '\'revision\' of chatglm3-6b is missing: give a tag of the ModelScope repository; the commits that guides name are Hugging Face\'s'],
  [() => WeightSource.modelScope(GlmModel.CHATGLM2_6B, { runtime: 'atb-models', repository: 'ZhipuAI/chatglm2-6b' }), '\'revision\' of chatglm2-6b is missing: give a tag of the ModelScope repository; the commits that guides name are Hugging Face\'s'],
  [() => WeightSource.huggingFace(model, { revision: 'a b' }), '\'revision\' must be a commit, tag or branch, got \'a b\''],
  [() => WeightSource.huggingFace(model, { revision: 'v1', repository: 'chatglm3' }), '\'repository\' of a huggingface source must look like \'owner/name\', got \'chatglm3\''],
  [() => WeightSource.modelScope(GlmModel.CHATGLM2_6B, { revision: 'v1' }), '\'repository\' of a modelscope source must look like \'owner/name\', got none, and no modelscope repository of chatglm2-6b is known'],
  [() => WeightSource.huggingFace(model, { revision: 'v1', endpoint: 'https://me:secret@hub.example' }), '\'endpoint\' must not carry a user name or password (it would stand in the manifest): hub.example; use a Secret'],
  [() => WeightSource.http({ files: [] }), '\'files\' of an http source must not be empty'],
  [() => WeightSource.http({ files: [{ url: 'ftp://x.example/a' }] }), '\'url\' must be an http or https URL, got \'ftp://x.example/a\''],
  [() => WeightSource.http({ files: [{ url: 'https://x.example/a' }] }), '\'sha256\' of https://x.example/a is missing: give it, or set \'trustOnFirstUse\' to record what the first download sees'],
  [() => WeightSource.http({ files: [{ url: 'https://x.example/a', sha256: 'A'.repeat(64) }] }), `'sha256' of https://x.example/a must be 64 lower case hexadecimal digits, got '${'A'.repeat(64)}'`],
  [() => WeightSource.http({ files: [{ url: 'https://x.example/', sha256: SHA }] }), '\'path\' is needed for https://x.example/, whose URL ends in no file name'],
  [() => WeightSource.http({ files: [{ url: 'https://x.example/a', sha256: SHA }, { url: 'https://y.example/a', sha256: SHA }] }), 'two files of an http source have the path \'a\'; give each a \'path\' of its own'],
  [() => WeightSource.http({ files: [{ url: 'https://x.example/%2e%2e%2fa', sha256: SHA }] }), '\'path\' of an http file must be a path inside the artifact, like \'glm3_6b.ckpt\', got \'../a\''],
  [() => WeightSource.archive({ url: 'https://x.example/a.tar.gz', sha256: SHA, stripComponents: -1 }), '\'stripComponents\' must be a whole number from 0, got -1'],
  [() => WeightSource.gitHubCommit('mindformers', 'c'.repeat(40)), `a GitHub source needs 'owner/name' and a commit of 40 hexadecimal digits, got 'mindformers' and '${'c'.repeat(40)}'`],
  [() => WeightSource.gitHubCommit('a/b', 'main'), 'a GitHub source needs \'owner/name\' and a commit of 40 hexadecimal digits, got \'a/b\' and \'main\''],
  [() => WeightSource.directory(STORE, ''), '\'path\' of a directory source must be inside the store, like \'models/chatglm3-6b\', got \'\''],
])('a source that is not pinned or cannot be is refused: %#', (body, message) => {
  expect(thrownBy(body)).toBe(message);
});
