import { Chart, Duration, Size, Testing, Yaml } from 'cdk8s';
import { Cpu, EnvValue } from 'cdk8s-plus-27';
import * as fc from 'fast-check';
import {
  ArtifactFormat, DownloadFiles, DownloadWeights, EnvPresets, FinetuneJob, type FinetuneJobProps, GlmModel, InferenceDeployment, ModelStore, Platform,
  type PlatformProps, SecurityLevel, WeightSource, WorkloadKind,
} from 'cdk8s-chatglm';

import type * as scripts from '../../constructs/script-files';
import { artifact, chartWith, everyVendor, only, STORE, synthesized } from '../support/synthesized';
import { finetune, FINETUNE, serve, SERVER } from '../support/workloads';

/** What every script gets at its end: a change that anybody may make to it. */
const mockEdit = { text: '' };

jest.mock('../../constructs/script-files', () => {
  const real = jest.requireActual<typeof scripts>('../../constructs/script-files');
  return { ...real, scriptFiles: (name: string) => real.scriptFiles(name).map(({ path, text }) => ({ path, text: text + mockEdit.text })) };
});

afterEach(() => { mockEdit.text = ''; });

/** What a fine-tune's Job is called and where its result goes. */
function finetuneNames(props: Partial<FinetuneJobProps> = {}): { job: string; directory: string } {
  const chart = chartWith();
  const { artifact: made } = new FinetuneJob(chart, 'finetune', { ...FINETUNE, ...props });
  return { job: only(synthesized(chart), 'Job').metadata.name, directory: made.directory };
}

describe('what does not define a result changes the Job\'s name and no directory', () => {
  test.each<[string, Partial<FinetuneJobProps>]>([
    ['cpu', { cpu: Cpu.units(128) }],
    ['memory', { memory: Size.gibibytes(1024) }],
    ['a label', { podLabels: { team: 'ml' } }],
    ['an annotation', { podAnnotations: { note: 'x' } }],
    ['a node selector', { nodeSelector: { zone: 'a' } }],
    ['a toleration', { tolerations: [{ key: 'npu' }] }],
    ['a priority class', { priorityClassName: 'training' }],
    ['a service account', { serviceAccountName: 'trainer' }],
    ['retries', { backoffLimit: 9 }],
    ['a deadline', { deadline: Duration.hours(1) }],
    ['a time to live', { ttlAfterFinished: Duration.hours(1) }],
    ['a preset of time-outs', { presets: [EnvPresets.HCCL] }],
    ['an environment variable', { env: { GLOG_v: EnvValue.fromValue('1') } }],
    ['the user', { security: SecurityLevel.NON_ROOT }],
    ['the workload kind', { workload: WorkloadKind.INDEXED_JOB }],
  ])('%s', (_what, props) => {
    const [before, after] = [finetuneNames(), finetuneNames(props)];

    expect(after.directory).toBe(before.directory);
    expect(after.job).not.toBe(before.job);
    expect(after.job).toMatch(/^test-finetune-[0-9a-f]{8}$/);
  });
});

describe('what defines a result changes the directory, and the Job\'s name with it', () => {
  test.each<[string, Partial<FinetuneJobProps>]>([
    ['epochs', { epochs: 2 }],
    ['batch size', { batchSize: 2 }],
    ['learning rate', { learningRate: 1e-4 }],
    ['sequence length', { maxSourceLength: 128 }],
    ['the share of prompt and answer', { maxSourceLength: 100, maxTargetLength: 91 }],
    ['model parallelism', { modelParallel: 2 }],
    ['pipeline stages', { pipelineStages: 2 }],
    ['devices', { devicesPerNode: 4 }],
    ['recompute', { recompute: true }],
    ['flash attention', { flashAttention: false }],
    ['a setting', { settings: { 'runner_config.sink_size': '4' } }],
    ['the training file', { trainFile: 'other.json' }],
    ['the evaluation file', { evalFile: 'other.json' }],
    ['the checkpoint\'s file', { checkpointFile: 'other.ckpt' }],
    ['the checkpoint', { checkpoint: artifact(ArtifactFormat.MINDSPORE, 'other') }],
    ['the data set', { dataset: artifact(ArtifactFormat.DATASET, 'other') }],
  ])('%s', (_what, props) => {
    const [before, after] = [finetuneNames(), finetuneNames(props)];

    expect(after.directory).not.toBe(before.directory);
    expect(after.directory).toMatch(/^finetune-[0-9a-f]{10}$/);
    expect(after.job).not.toBe(before.job);
  });

  test('every two of them give two directories', () => {
    const directories = [{}, { epochs: 2 }, { epochs: 3 }, { batchSize: 2 }, { batchSize: 3 }].map((props) => finetuneNames(props).directory);

    expect(new Set(directories).size).toBe(directories.length);
  });

  test('a setting said in another order is the same setting', () => {
    const [first, second] = [{ 'runner_config.sink_size': '2', 'lr_schedule.warmup_steps': '3' }, { 'lr_schedule.warmup_steps': '3', 'runner_config.sink_size': '2' }].map((settings) => finetuneNames({ settings }).directory);

    expect(first).toBe(second);
  });
});

interface Source { readonly revision?: string; readonly endpoint?: string; readonly image?: string; readonly platform?: PlatformProps; readonly dataset?: string }

/** Directories and objects of a workflow: download a checkpoint and a data set, fine-tune, and serve the checkpoint. */
function workflow({ revision = 'v1.0', endpoint, image, platform = {}, dataset = 'mnt/adgen' }: Source): { directories: Record<string, string>; objects: Record<string, string> } {
  const chart = chartWith({ ...everyVendor(), ...platform });
  const { model } = FINETUNE;
  const checkpoint = new DownloadWeights(chart, 'checkpoint', {
    store: STORE, model, format: ArtifactFormat.MINDSPORE, image, source: WeightSource.huggingFace(model, { revision, endpoint }),
  }).artifact;
  const data = new DownloadFiles(chart, 'adgen', { store: STORE, format: ArtifactFormat.DATASET, source: WeightSource.directory(STORE, dataset) }).artifact;
  const tuned = new FinetuneJob(chart, 'finetune', { ...FINETUNE, checkpoint, dataset: data }).artifact;
  new InferenceDeployment(chart, 'chat', { ...SERVER, weights: checkpoint });
  const objects = synthesized(chart).map((object) => [`${object.kind}/${object.metadata.name.replace(/-[0-9a-f]{8}$/, '')}`, JSON.stringify(object)] as const);
  return { directories: { checkpoint: checkpoint.directory, adgen: data.directory, finetune: tuned.directory }, objects: Object.fromEntries(objects) };
}

/** Keys whose values differ. */
function changed(before: Record<string, string>, after: Record<string, string>): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((key) => before[key] !== after[key]).sort();
}

describe('what is downstream of a change', () => {
  test('a revision changes its directory, what was made from it, and what reads it', () => {
    const [before, after] = [workflow({}), workflow({ revision: 'v1.1' })];

    expect(changed(before.directories, after.directories)).toEqual(['checkpoint', 'finetune']);
    expect(changed(before.objects, after.objects)).toEqual(['Deployment/test-chat', 'Job/test-checkpoint', 'Job/test-finetune']);
  });

  test('another data set changes what was trained on it, but not the server', () => {
    const [before, after] = [workflow({}), workflow({ dataset: 'mnt/other' })];

    expect(changed(before.directories, after.directories)).toEqual(['adgen', 'finetune']);
    expect(changed(before.objects, after.objects)).toEqual(['Job/test-adgen', 'Job/test-finetune']);
  });

  test.each<[string, Source]>([
    ['a mirror', { endpoint: 'https://hub.corp.example' }],
    ['the platform\'s mirror', { platform: { huggingFaceEndpoint: 'https://hub.corp.example' } }],
    ['another image', { image: 'registry.corp.example/python:3.11' }],
    ['a proxy', { platform: { httpsProxy: 'http://proxy.corp.example:3128' } }],
    ['a label of all pods', { platform: { podLabels: { team: 'ml' } } }],
  ])('%s changes the download and no directory', (_what, source) => {
    const [before, after] = [workflow({}), workflow(source)];

    expect(changed(before.directories, after.directories)).toEqual([]);
    expect(changed(before.objects, after.objects)).toContain('Job/test-checkpoint');
  });
});

describe('a changed script', () => {
  test('changes its ConfigMap and no byte of any Job', () => {
    const before = workflow({});
    mockEdit.text = '\n# changed\n';
    const after = workflow({});

    expect(changed(before.objects, after.objects)).toEqual([
      'ConfigMap/test-scripts-check-start', 'ConfigMap/test-scripts-fetch-weights', 'ConfigMap/test-scripts-launch', 'ConfigMap/test-scripts-run-task',
      'ConfigMap/test-scripts-serve-model', 'ConfigMap/test-scripts-train-rank', 'ConfigMap/test-scripts-wait-for-artifacts', 'Deployment/test-chat',
    ]);
  });

  test('rolls a server by an annotation of its pods, and by nothing else', () => {
    const scripts = /"cdk8s-chatglm\/scripts":"([0-9a-f]{8})"/;
    const before = JSON.stringify(only(serve(), 'Deployment'));
    mockEdit.text = '\n# changed\n';
    const after = JSON.stringify(only(serve(), 'Deployment'));

    expect(scripts.exec(after)![1]).not.toBe(scripts.exec(before)![1]);
    expect(after.replace(scripts, '')).toBe(before.replace(scripts, ''));
  });
});

/** One construct of each kind, in a chart. */
const WORKLOADS: Readonly<Record<string, (chart: Chart) => void>> = {
  store: (chart) => new ModelStore(chart, 'store', { size: Size.gibibytes(1) }),
  weights: (chart) => new DownloadWeights(chart, 'weights', { store: STORE, model: GlmModel.CHATGLM2_6B, source: WeightSource.huggingFace(GlmModel.CHATGLM2_6B, { revision: 'v1.0' }) }),
  adgen: (chart) => new DownloadFiles(chart, 'adgen', { store: STORE, format: ArtifactFormat.DATASET, source: WeightSource.directory(STORE, 'mnt/adgen') }),
  finetune: (chart) => new FinetuneJob(chart, 'finetune', FINETUNE),
  chat: (chart) => new InferenceDeployment(chart, 'chat', SERVER),
};

function objectsOf(ids: readonly string[]): Record<string, string> {
  const chart = chartWith();
  ids.forEach((id) => { WORKLOADS[id]!(chart); });
  return Object.fromEntries(synthesized(chart).map((object) => [`${object.kind}/${object.metadata.name}`, JSON.stringify(object)]));
}

describe('neighbours', () => {
  test.each(Object.keys(WORKLOADS))('adding %s changes no other object', (added) => {
    const others = Object.keys(WORKLOADS).filter((id) => id !== added);
    const [before, after] = [objectsOf(others), objectsOf([...others, added])];

    expect(Object.fromEntries(Object.keys(before).map((name) => [name, after[name]]))).toEqual(before);
    expect(Object.keys(after).length).toBeGreaterThan(Object.keys(before).length);
  });

  test('the order in which they are written does not matter', () => {
    expect(objectsOf(Object.keys(WORKLOADS).reverse())).toEqual(objectsOf(Object.keys(WORKLOADS)));
  });

  test('adding a chart changes no other', () => {
    const one = Testing.app();
    const two = Testing.app();
    const charts = [new Chart(one, 'first'), new Chart(two, 'first'), new Chart(two, 'second')].map((chart) => {
      Platform.attach(chart, everyVendor());
      WORKLOADS.chat!(chart);
      return chart;
    });

    expect(Yaml.stringify(...synthesized(charts[1]!))).toBe(Yaml.stringify(...synthesized(charts[0]!)));
  });
});

describe('stability', () => {
  test('synthesizing twice gives the same bytes', () => {
    const chart = chartWith();
    Object.values(WORKLOADS).forEach((add) => { add(chart); });

    expect(Yaml.stringify(...synthesized(chart))).toBe(Yaml.stringify(...synthesized(chart)));
  });

  test('the same program twice gives the same bytes', () => {
    expect(objectsOf(Object.keys(WORKLOADS))).toEqual(objectsOf(Object.keys(WORKLOADS)));
  });

  test('what the caller passed is never changed', () => {
    const lists = frozen({ tolerations: [{ key: 'npu' }], podLabels: { a: 'b' }, podAnnotations: { c: 'd' }, nodeSelector: { e: 'f' }, presets: [EnvPresets.HCCL], settings: { 'runner_config.sink_size': '4' } });
    const platform = frozen({ ...everyVendor(), tolerations: [{ key: 'x' }], podLabels: { i: 'j' }, noProxy: ['k'], httpProxy: 'http://proxy.corp.example', user: { uid: 2000, groups: [1] } });

    expect(finetune(lists, platform)).toEqual(finetune(structuredCopy(lists), structuredCopy(platform)));
  });

  test('names are legal whatever the ids', () => {
    // constructs keeps children in a plain object, so it takes 'constructor' for an id that is in use.
    const id = fc.stringMatching(/^[a-z0-9]{1,12}(-[a-z0-9]{1,12}){0,8}$/).filter((text) => !(text in {}));
    const label = id.filter((text) => text.length <= 63 && /^[a-z]/.test(text));
    fc.assert(fc.property(label, id, (chartId, constructId) => {
      const chart = new Chart(Testing.app(), chartId);
      Platform.attach(chart, everyVendor());
      new FinetuneJob(chart, constructId, FINETUNE);
      const { name } = only(synthesized(chart), 'Job').metadata;
      expect(name).toMatch(/^[a-z0-9]([-a-z0-9]{0,48}[a-z0-9])?$/);
    }), { numRuns: 30 });
  });

  test('long ids that begin alike have different names', () => {
    const chart = chartWith();
    const long = 'finetune-of-the-advertisement-data-set-number';
    [`${long}-one`, `${long}-two`].forEach((id) => new InferenceDeployment(chart, id, SERVER));

    expect(synthesized(chart).filter(({ kind }) => kind === 'Deployment').map(({ metadata }) => metadata.name)).toEqual([
      expect.stringMatching(/^test-finetune-of-the-advertisem-[0-9a-f]{8}$/), expect.stringMatching(/^test-finetune-of-the-advertisem-[0-9a-f]{8}$/),
    ]);
    expect(new Set(synthesized(chart).filter(({ kind }) => kind === 'Deployment').map(({ metadata }) => metadata.name)).size).toBe(2);
  });
});

/** The value with every plain object and list in it frozen. */
function frozen<T>(value: T): T {
  if (isPlain(value)) {
    Object.values(value).forEach(frozen);
    Object.freeze(value);
  }
  return value;
}

/** Copies of the plain objects and lists of a value, and the same instances. */
function structuredCopy<T>(value: T): T {
  if (Array.isArray(value)) {
    return value.map(structuredCopy) as T;
  }
  return isPlain(value) ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, structuredCopy(item)])) as T : value;
}

function isPlain(value: unknown): value is object {
  return Array.isArray(value) || (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype);
}
