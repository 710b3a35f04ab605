import { ManifestRules } from 'cdk8s-chatglm';

import { job, object } from './manifests';

interface Reported { readonly ruleName: string; readonly violatingResources: readonly { readonly resourceName: string; readonly manifestPath: string; readonly locations: readonly string[] }[] }

/** Runs the plugin over manifests by their paths, as cdk8s-cli does. */
async function report(manifests: Readonly<Record<string, unknown[]>>, properties?: { severity: string }): Promise<{ status: string; violations: Reported[] }> {
  const violations: Reported[] = [];
  let status = 'none';
  await new ManifestRules(properties).validate({
    manifests: Object.keys(manifests),
    parseManifest: (name) => manifests[name]!,
    report: { addViolation: (violation) => { violations.push(violation); }, submit: (given) => { status = given; } },
  });
  return { status, violations };
}

test('what a rule finds is one violation with all its places, compared over all manifests', async () => {
  const { status, violations } = await report({ 'a.yaml': [job(), null], 'b.yaml': [object('Namespace', 'llm'), job()] });

  expect(status).toBe('failure');
  expect(violations.map(({ ruleName, violatingResources }) => [ruleName, violatingResources])).toEqual([
    ['duplicate-object', [{ resourceName: 'train', manifestPath: 'b.yaml', locations: ['metadata.name: there is another Job/train without a namespace'] }]],
  ]);
});

test('objects in lists, and those without a name or metadata, are looked at; files of other tools are not', async () => {
  const { violations } = await report({
    'list.yaml': [{ apiVersion: 'v1', kind: 'List', items: [job(), object('Pod', 'Train')] }],
    'nameless.yaml': [{ apiVersion: 'v1', kind: 'Namespace' }, { apiVersion: 'v1', kind: 'Namespace', metadata: { generateName: 'Llm-' } }],
    'values.yaml': [{ replicas: 1 }, { apiVersion: 'v2', name: 'chart' }, { apiVersion: 'kustomize.config.k8s.io/v1beta1', kind: 'Kustomization', resources: [] }, ['a'], 'text', null],
  });
  const illegal = 'the name must be lower case letters, digits and \'-\', at most 253 characters';

  expect(violations.map(({ ruleName, violatingResources }) => [ruleName, violatingResources])).toEqual([
    ['object-name', [
      { resourceName: 'Train', manifestPath: 'list.yaml', locations: [`items[1].metadata.name: ${illegal}`] },
      { resourceName: '', manifestPath: 'nameless.yaml', locations: [`metadata: ${illegal}`] },
      { resourceName: 'Llm-', manifestPath: 'nameless.yaml', locations: [`metadata: ${illegal}`] },
    ]],
  ]);
});

test('nothing found is a success', async () => {
  expect(await report({ 'a.yaml': [job()] })).toEqual({ status: 'success', violations: [] });
});

test('warnings count unless they are left out', async () => {
  const manifests = { 'a.yaml': [job({ container: { image: 'x' } })] };

  expect((await report(manifests)).violations.map(({ ruleName }) => ruleName)).toEqual(['image-pinned']);
  expect(await report(manifests, { severity: 'error' })).toEqual({ status: 'success', violations: [] });
});

test('another severity is an error', () => {
  expect(() => new ManifestRules({ severity: 'info' })).toThrow(new Error('\'severity\' must be warning or error, got \'info\''));
});
