import { execFileSync } from 'node:child_process';

import { Chart } from 'cdk8s';
import { Delivery, GlmApp, InferenceDeployment } from 'cdk8s-chatglm';

import { SERVER } from '../support/workloads';
import { newFolder } from './synthesized-folder';
import { attachPlatform, workflow } from './workflow';

type Tenants = Readonly<Record<string, number>>;

const git = (folder: string, ...args: string[]): string => execFileSync('git', ['-c', 'user.name=test', '-c', 'user.email=test@corp.example', '-c', 'init.defaultBranch=main', ...args], { cwd: folder, encoding: 'utf8' });

/** Writes a fleet of tenants with so many pods each, and gives what git says has changed since the last time, as `git status` prints it. */
function changes(folder: string, delivery: Delivery, tenants: Tenants, more: (chart: Chart) => void = () => undefined): string[] {
  const app = new GlmApp({ outdir: folder, prune: true });
  workflow(app, 'shared', delivery);
  for (const [id, replicas] of Object.entries(tenants)) {
    const chart = new Chart(app, id, { namespace: 'llm' });
    attachPlatform(chart, delivery);
    new InferenceDeployment(chart, 'chat', { ...SERVER, replicas });
    more(chart);
  }
  app.synth();
  git(folder, 'init', '--quiet');
  git(folder, 'add', '--all');
  const changed = git(folder, 'diff', '--cached', '--name-status', '--no-renames').trim().split('\n').map((line) => line.replace('\t', ' '));
  git(folder, 'commit', '--quiet', '--allow-empty', '--message', 'synth');
  return changed;
}

const TENANTS = { alpha: 1, beta: 1, gamma: 1 };
const REPOSITORY = { repositoryUrl: 'https://git.corp.example/llm.git' };

describe.each<[string, Delivery, string[]]>([
  ['kubectl', Delivery.KUBECTL, ['beta.k8s.yaml']],
  ['Argo CD', Delivery.ARGO_CD, ['beta.k8s.yaml']],
  ['Argo CD with Applications', Delivery.argoCd(REPOSITORY), ['argo-cd/beta.k8s.yaml', 'beta/base/beta.k8s.yaml', 'beta/serving/beta.k8s.yaml']],
  ['Flux', Delivery.FLUX, ['beta/base/beta.k8s.yaml', 'beta/base/kustomization.yaml', 'beta/serving-0/beta.k8s.yaml', 'beta/serving-0/kustomization.yaml', 'flux/beta.k8s.yaml']],
  ['staged kubectl', Delivery.kubectl({ staged: true }), ['beta/base/beta.k8s.yaml', 'beta/serving-0/beta.k8s.yaml']],
])('with %s', (_name, delivery, files) => {
  const folder = newFolder();
  beforeAll(() => { changes(folder, delivery, TENANTS); });

  test('the same program changes nothing', () => {
    expect(changes(folder, delivery, TENANTS)).toEqual(['']);
  });

  test('a change of one tenant rewrites exactly one file', () => {
    expect(changes(folder, delivery, { ...TENANTS, beta: 2 })).toEqual([`M ${files.find((file) => file.includes('serving')) ?? 'beta.k8s.yaml'}`]);
    changes(folder, delivery, TENANTS);
  });

  test('a tenant that goes takes its files along, and one that comes adds its own', () => {
    expect(changes(folder, delivery, { alpha: 1, gamma: 1 })).toEqual(files.map((file) => `D ${file}`));
    expect(changes(folder, delivery, TENANTS)).toEqual(files.map((file) => `A ${file}`));
  });

  test('another workload of a tenant touches no other tenant\'s files', () => {
    const changed = changes(folder, delivery, TENANTS, (chart) => { if (chart.node.id === 'beta') { new InferenceDeployment(chart, 'second', SERVER); } });

    expect(changed.filter((line) => !/^M (\S+\/)?beta\.k8s\.yaml$/.test(line))).toEqual([]);
    expect(changed.length).toBeGreaterThan(0);
  });
});
