import { Testing } from 'cdk8s';
import { Secret } from 'cdk8s-plus-27';

import { Artifact, ArtifactFormat, GlmModel, type DownloadedWeightsProps, WeightSource } from 'cdk8s-chatglm';

import { downloadCommand } from '../../../lib/artifacts/download';
import { globMatches } from '../../../lib/artifacts/file-patterns';
import { Platform } from '../../../lib/platform';
import { STORE } from '../../support/synthesized';

const MODEL = GlmModel.CHATGLM2_6B;
const COMMIT = MODEL.revisionFor('atb-models')!;
const HUB = WeightSource.huggingFace(MODEL, { runtime: 'atb-models' });

function weights(props: Partial<DownloadedWeightsProps> = {}): Artifact {
  return Artifact.downloadedInPod({ store: STORE, model: MODEL, source: HUB, ...props });
}

function command(artifact: Artifact): string[] {
  return downloadCommand(artifact, artifact._download!, Platform.of(Testing.chart()));
}

function sources(artifact: Artifact): object[] {
  const words = command(artifact);
  return words.flatMap((word, index) => word === '--source' ? [JSON.parse(words[index + 1]!) as object] : []);
}

test('mirrors are tried before the source and do not change the directory', () => {
  const mirror = WeightSource.huggingFace(MODEL, { runtime: 'atb-models', endpoint: 'https://hf-mirror.com/' });

  const mirrored = weights({ mirrors: [mirror] });

  expect(sources(mirrored)).toEqual([
    { kind: 'huggingface', repository: 'THUDM/chatglm2-6b', revision: COMMIT, endpoint: 'https://hf-mirror.com' },
    { kind: 'huggingface', repository: 'THUDM/chatglm2-6b', revision: COMMIT, endpoint: 'https://huggingface.co' },
  ]);
  expect(mirrored.directory).toBe(weights().directory);
});

test('a git-lfs source names the repository, the commit and the variable of its token', () => {
  const tokenSecret = Secret.fromSecretName(Testing.chart(), 'token', 'git');

  const artifact = weights({ source: WeightSource.gitLfs({ url: 'https://git.example/chatglm2-6b.git', revision: COMMIT, tokenSecret }) });

  expect(sources(artifact)).toEqual([{ kind: 'git-lfs', url: 'https://git.example/chatglm2-6b.git', revision: COMMIT, tokenEnv: 'GIT_TOKEN' }]);
  expect(command(artifact)).toContain('*.bin');
});

test('an s3 source names variables that do not look like ModelArts', () => {
  const credentialsSecret = Secret.fromSecretName(Testing.chart(), 'keys', 'obs');

  const artifact = weights({ source: WeightSource.s3({ endpoint: 'https://obs.example/', bucket: 'models', prefix: 'chatglm2-6b/', version: '1', credentialsSecret }) });

  expect(sources(artifact)).toEqual([{
    kind: 's3', endpoint: 'https://obs.example', bucket: 'models', prefix: 'chatglm2-6b/', accessKeyEnv: 'STORE_ACCESS_KEY', secretKeyEnv: 'STORE_SECRET_KEY',
  }]);
});

test('another version of an s3 prefix is another artifact', () => {
  const at = (version?: string) => weights({ source: WeightSource.s3({ endpoint: 'https://obs.example', bucket: 'models', prefix: 'p', ...(version === undefined ? { trustOnFirstUse: true } : { version }) }) }).directory;

  expect(new Set([at(), at('1'), at('2')]).size).toBe(3);
});

test('tuning reaches the command and leaves the directory alone', () => {
  const tuned = weights({ connections: 4, verify: true, jsonProgress: true });

  expect(command(tuned).join(' ')).toContain('--connections 4 --verify --progress json');
  expect(tuned.directory).toBe(weights().directory);
});

test('excluded files are another artifact', () => {
  const slim = weights({ exclude: ['*.md'] });

  expect(command(slim).join(' ')).toContain('--exclude *.md');
  expect(slim.directory).not.toBe(weights().directory);
});

test.each<[Partial<DownloadedWeightsProps>, string]>([
  [{ exclude: ['*.py'] }, '\'exclude\' has \'*.py\', which drops configuration_chatglm.py; chatglm2-6b does not load without it'],
  [{ exclude: ['tokenizer.*'] }, '\'exclude\' has \'tokenizer.*\', which drops tokenizer.model; chatglm2-6b does not load without it'],
  [{ exclude: ['pytorch_model-*'] }, '\'exclude\' has \'pytorch_model-*\', which drops pytorch_model-00001-of-00007.bin; chatglm2-6b does not load without it'],
  [{ include: ['*.json', '*.bin', 'tokenizer.model'] }, '\'include\' (*.json, *.bin, tokenizer.model) drops configuration_chatglm.py; chatglm2-6b does not load without it'],
  [{ exclude: ['../secrets'] }, 'a file pattern must be a glob inside the repository, like \'*.py\', got \'../secrets\''],
  [{ include: [' '] }, 'a file pattern must be a glob inside the repository, like \'*.py\', got \' \''],
  [{ connections: 0 }, '\'connections\' must be a whole number from 1 to 64, got 0'],
  [{ connections: 65 }, '\'connections\' must be a whole number from 1 to 64, got 65'],
])('weights with %j are refused', (props, message) => {
  expect(() => weights(props)).toThrow(new Error(message));
});

test('data sets may leave out what they like', () => {
  expect(() => weights({ format: ArtifactFormat.DATASET, exclude: ['*.py'] })).not.toThrow();
});

test.each([
  [() => WeightSource.gitLfs({ url: 'git@hf.co:THUDM/chatglm3-6b', revision: COMMIT }), '\'url\' must be an http or https URL, got \'git@hf.co:THUDM/chatglm3-6b\''],
  [() => WeightSource.gitLfs({ url: 'https://git.example/a.git', revision: 'main' }), '\'revision\' of https://git.example/a.git must be a commit of 40 hexadecimal digits, got \'main\''],
  [() => WeightSource.s3({ endpoint: 'https://obs.example', bucket: 'models', prefix: '/', version: '1' }), 'an s3 source needs a \'bucket\' and a \'prefix\', got \'models\' and \'/\''],
])('bad source %#', (make, message) => {
  expect(make).toThrow(new Error(message));
});

test.each([
  ['*.py', 'sub/a.py', true], ['*.py', 'a.pyc', false], ['a?c', 'abc', true], ['model-[0-9].bin', 'model-3.bin', true], ['model-[!0-9].bin', 'model-3.bin', false],
  ['a.b', 'axb', false], ['(x)', '(x)', true],
])('the glob %s on %s', (pattern, file, matches) => {
  expect(globMatches(pattern, file)).toBe(matches);
});
