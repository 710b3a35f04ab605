import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';

import { ScriptDelivery } from 'cdk8s-chatglm';

import type { PodFragment } from '../../../lib/pods/pod-fragment';
import { mountScriptsAndFiles } from '../../../lib/pods/script-volumes';
import { expandLikeKubelet } from '../../support/kubelet-expansion';
import { composeLayers } from '../../support/layers';

const CONFIG_MAPS = { scripts: { serve_model: 'test-scripts-serve-model' }, files: 'test-files' };
const SERVER: PodFragment = { source: 'server', scripts: ['serve_model'], command: ['python3', '/opt/cdk8s-chatglm/serve_model.py'] };

const mounted = (fragment: Partial<PodFragment>, delivery = ScriptDelivery.configMaps()) => mountScriptsAndFiles(composeLayers({ props: [{ source: 'a', ...fragment }] }), delivery, CONFIG_MAPS).spec;

test('a pod without scripts and files stays as it is', () => {
  const pod = composeLayers({});

  expect(mountScriptsAndFiles(pod, ScriptDelivery.configMaps(), CONFIG_MAPS)).toEqual(pod);
});

test('scripts are copied from their ConfigMap before anything else starts', () => {
  const spec = mounted({ ...SERVER, initContainers: [{ name: 'wait', image: 'x:1' }] });

  expect(spec.initContainers?.map(({ name }) => name)).toEqual(['copy-scripts', 'wait']);
  expect(spec.volumes).toEqual([{ name: 'scripts-serve-model', configMap: { name: 'test-scripts-serve-model' } }, { name: 'scripts', emptyDir: {} }]);
  expect(spec.initContainers?.[0]).toMatchObject({
    image: 'example.com/image:1',
    volumeMounts: [
      { name: 'scripts-serve-model', mountPath: '/scripts-source/scripts-serve-model', readOnly: true }, { name: 'scripts', mountPath: '/opt/cdk8s-chatglm' },
    ],
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] }, readOnlyRootFilesystem: true, seccompProfile: { type: 'RuntimeDefault' } },
  });
});

test('only containers that start a script see the scripts, and cannot change them', () => {
  const spec = mounted({ ...SERVER, initContainers: [{ name: 'wait', command: ['python3', '/opt/cdk8s-chatglm/wait_for_artifacts.py'] }, { name: 'other', command: ['true'] }] });

  const mount = [{ name: 'scripts', mountPath: '/opt/cdk8s-chatglm', readOnly: true }];
  expect(spec.containers[0]?.volumeMounts).toEqual(mount);
  expect(spec.initContainers?.slice(1).map(({ volumeMounts }) => volumeMounts)).toEqual([mount, undefined]);
});

test('from an image the scripts come without ConfigMaps', () => {
  const spec = mounted(SERVER, ScriptDelivery.image('example.com/scripts:1'));

  // Callers give no ConfigMaps in this case; those here would only be dead weight.
  expect(spec.initContainers?.[0]).toMatchObject({
    image: 'example.com/scripts:1', command: ['cp', '-r', '/container/.', '/opt/cdk8s-chatglm'], volumeMounts: [{ name: 'scripts', mountPath: '/opt/cdk8s-chatglm' }],
  });
});

test('text files are mounted one by one at their paths', () => {
  const spec = mounted({ files: [{ path: '/etc/passwd', text: 'x' }, { path: '/etc/group', text: 'y' }] });

  expect(spec.volumes).toEqual([{ name: 'files', configMap: { name: 'test-files' } }]);
  expect(spec.containers[0]?.volumeMounts).toEqual([
    { name: 'files', mountPath: '/etc/passwd', subPath: 'etc-passwd', readOnly: true }, { name: 'files', mountPath: '/etc/group', subPath: 'etc-group', readOnly: true },
  ]);
});

describe('the command that copies scripts', () => {
  const command = mounted(SERVER).initContainers?.[0]?.command?.[2] ?? '';
  const root = mkdtempSync(path.join(tmpdir(), 'scripts-'));

  afterAll(() => {
    rmSync(root, { recursive: true });
  });

  test('is not touched by the kubelet', () => {
    expect(expandLikeKubelet(command)).toBe(command);
  });

  test('turns the keys of several ConfigMaps, which the kubelet mounts as links, back into paths', () => {
    const [source, target] = [path.join(root, 'source'), path.join(root, 'target')];
    for (const [configMap, key] of [['scripts-a', 'serve-http-server.py'], ['scripts-a', 'pod-__init__.py'], ['scripts-b', 'run_task.py']] as const) {
      mkdirSync(path.join(source, configMap, '..data'), { recursive: true });
      writeFileSync(path.join(source, configMap, '..data', key), key);
      symlinkSync(path.join('..data', key), path.join(source, configMap, key));
    }

    execFileSync('sh', ['-ec', command.replaceAll('/scripts-source', source).replaceAll('/opt/cdk8s-chatglm', target)]);

    expect(readFileSync(path.join(target, 'serve/http/server.py'), 'utf8')).toBe('serve-http-server.py');
    expect(readFileSync(path.join(target, 'pod/__init__.py'), 'utf8')).toBe('pod-__init__.py');
    expect(readFileSync(path.join(target, 'run_task.py'), 'utf8')).toBe('run_task.py');
  });
});
