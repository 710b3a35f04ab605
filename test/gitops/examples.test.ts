import { existsSync, readdirSync } from 'node:fs';
import * as path from 'node:path';

import type * as library from 'cdk8s-chatglm';

import { edgesOf, type Flow, flowsOf } from './artifact-flow';
import { type Folder, newFolder, readFolder } from './synthesized-folder';

const EXAMPLES = path.join(__dirname, '..', '..', 'examples');
// A repository of its own, with a delivery of its own, has its own tests.
const isRepository = (name: string): boolean => existsSync(path.join(EXAMPLES, name, 'package.json'));
const folders = readdirSync(EXAMPLES).filter((name) => existsSync(path.join(EXAMPLES, name, 'main.ts')) && !isRepository(name)).sort();

/** Runs an example's program as if all its platforms had a delivery, and gives what it writes. */
function synthesized(example: string, choose: (delivery: typeof library.Delivery) => library.Delivery): Folder {
  const outdir = newFolder();
  process.env.CDK8S_OUTDIR = outdir;
  jest.isolateModules(() => {
    const cdk8s = jest.requireActual<Record<string, unknown>>('cdk8s');
    const ours = jest.requireActual<typeof library>('cdk8s-chatglm');
    const attach = ours.Platform.attach.bind(ours.Platform);
    jest.spyOn(ours.Platform, 'attach').mockImplementation((scope, props) => attach(scope, { ...props, delivery: choose(ours.Delivery) }));
    const delivered = class extends ours.GlmApp {
      public constructor(props?: library.GlmAppProps) {
        super(props);
        ours.Platform.attach(this, {});
      }
    };
    jest.doMock('cdk8s', () => ({ ...cdk8s, App: delivered }));
    jest.doMock('cdk8s-chatglm', () => ({ ...ours, GlmApp: delivered }));
    jest.requireActual(path.join(EXAMPLES, example, 'main.ts'));
  });
  jest.dontMock('cdk8s').dontMock('cdk8s-chatglm');
  delete process.env.CDK8S_OUTDIR;
  return readFolder(outdir);
}

const described = (edges: readonly [Flow, Flow][]): string[] => edges.map(([producer, consumer]) => `${producer.object} -> ${consumer.object}`);

describe.each(folders)('the order of %s is a topological order of its artifacts', (example) => {
  test('in sync waves', () => {
    const wave = ({ manifest }: Flow): number => Number(manifest.metadata.annotations?.['argocd.argoproj.io/sync-wave']);
    const flows = flowsOf(Object.values(synthesized(example, (delivery) => delivery.ARGO_CD)).flat());

    expect(flows.length).toBeGreaterThan(0);
    expect(flows.filter((flow) => !Number.isInteger(wave(flow)))).toEqual([]);
    expect(described(edgesOf(flows).filter(([producer, consumer]) => wave(producer) >= wave(consumer)))).toEqual([]);
  });

  test('in Kustomizations', () => {
    const files = Object.entries(synthesized(example, (delivery) => delivery.FLUX));
    const dependencies = Object.fromEntries(files.filter(([file]) => file.startsWith('flux/')).flatMap(([, objects]) => objects).map(({ metadata, spec }) =>
      [metadata.name, (spec as { dependsOn?: { name: string }[] }).dependsOn?.map(({ name }) => name) ?? []]));
    const before = (name: string): string[] => (dependencies[name] ?? []).flatMap((dependency) => [dependency, ...before(dependency)]);
    const stages = files.filter(([file]) => !file.startsWith('flux/') && !file.endsWith('kustomization.yaml'));
    const stageOf = ({ manifest }: Flow): string => stages.find(([, objects]) => objects.includes(manifest))![0].split('/').slice(0, 2).join('-');
    const flows = flowsOf(stages.flatMap(([, objects]) => objects));

    expect(flows.filter((flow) => dependencies[stageOf(flow)] === undefined)).toEqual([]);
    expect(described(edgesOf(flows).filter(([producer, consumer]) => !before(stageOf(consumer)).includes(stageOf(producer))))).toEqual([]);
  });
});

/** The vendors' guides, with the pairs of workloads that their graphs have at least. */
test.each([
  ['mindformers-chatglm3', 30], ['mindformers-chatglm', 30], ['atb-chatglm2-310p', 15], ['atb-chatglm2-910b', 10], ['cambricon-chatglm', 8], ['sophon-chatglm3', 15],
])('%s has artifacts to order, and whatever is waited for is made', (example, least) => {
  const flows = flowsOf(Object.values(synthesized(example, (delivery) => delivery.ARGO_CD)).flat());
  const made = flows.flatMap(({ writes }) => writes);

  expect(edgesOf(flows).length).toBeGreaterThanOrEqual(least);
  expect(flows.flatMap(({ object, reads }) => reads.filter((artifact) => !made.includes(artifact)).map((artifact) => `${object} waits for ${artifact}`))).toEqual([]);
});
