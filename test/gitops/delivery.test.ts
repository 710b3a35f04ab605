import { Duration, YamlOutputType } from 'cdk8s';
import { Delivery, GlmApp } from 'cdk8s-chatglm';

import { refuses } from '../support/bad-input';
import { newFolder } from './synthesized-folder';
import { workflow } from './workflow';

const synth = (delivery: Delivery, yamlOutputType: YamlOutputType): void => {
  const app = new GlmApp({ outdir: newFolder(), yamlOutputType });
  workflow(app, 'chatglm3', delivery);
  app.synth();
};

describe('is refused', () => {
  refuses([
    ['Applications without a repository', () => Delivery.argoCd({ project: 'llm' }), '\'project\' of Delivery.argoCd is for the Applications that are written when \'repositoryUrl\' is given; give both or none'],
    ['a path outside the repository', () => Delivery.argoCd({ repositoryUrl: 'https://git.corp.example/llm.git', path: '../dist' }), '\'path\' must be the output folder\'s path inside the repository, like \'dist\', got \'../dist\''],
    ['an absolute path', () => Delivery.flux({ path: '/dist' }), '\'path\' must be the output folder\'s path inside the repository, like \'dist\', got \'/dist\''],
    ['a path that ends with a slash', () => Delivery.flux({ path: './dist' }), '\'path\' must be the output folder\'s path inside the repository, like \'dist\', got \'./dist\''],
    ['a repository of no name', () => Delivery.argoCd({ repositoryUrl: '' }), '\'repositoryUrl\' of Delivery.argoCd must be the URL of a git repository, got \'\''],
    ['an interval of nothing', () => Delivery.flux({ interval: Duration.millis(10) }), '\'interval\' of Delivery.flux must be at least a second, got 10 millis'],
    ['a timeout of nothing', () => Delivery.flux({ timeout: Duration.seconds(0) }), '\'timeout\' of Delivery.flux must be at least a second, got 0 seconds'],
    ['a folder for each stage, and a file for each object', () => { synth(Delivery.FLUX, YamlOutputType.FILE_PER_RESOURCE); },
      'the delivery flux of the chart \'chatglm3\' writes folders, so \'yamlOutputType\' must be left out, got FILE_PER_RESOURCE'],
    ['a folder for each stage, and one file for all', () => { synth(Delivery.kubectl({ staged: true }), YamlOutputType.FILE_PER_APP); },
      'the delivery kubectl of the chart \'chatglm3\' writes folders, so \'yamlOutputType\' must be left out, got FILE_PER_APP'],
  ]);
});

test('values compare by name, whatever was said about them', () => {
  expect([Delivery.KUBECTL, Delivery.ARGO_CD, Delivery.FLUX, Delivery.HELM, Delivery.kubectl(), Delivery.argoCd(), Delivery.flux()].map(String)).toEqual(['kubectl', 'argo-cd', 'flux', 'helm', 'kubectl', 'argo-cd', 'flux']);
});
