import { Duration } from 'cdk8s';

import { ArtifactFormat, PruneArtifacts, type PruneArtifactsProps } from 'cdk8s-chatglm';

import { artifact, chartWith, only, STORE, synthesized } from '../support/synthesized';
import { messageOf } from '../support/bad-input';

const KEPT = artifact(ArtifactFormat.DATASET, 'adgen');

function prune(props: Partial<PruneArtifactsProps> = {}) {
  const chart = chartWith();
  new PruneArtifacts(chart, 'prune', { store: STORE, keep: [KEPT], ...props });
  return only(synthesized(chart), 'Job');
}

function container(props: Partial<PruneArtifactsProps> = {}) {
  const job = prune(props) as unknown as { spec: { template: { spec: { containers: [{ command: string[]; volumeMounts: object[] }] } } } };
  return job.spec.template.spec.containers[0];
}

test('a prune is a dry run on a read-only store unless told otherwise', () => {
  const dry = container();

  expect(dry.command).toEqual(['python3', '/opt/cdk8s-chatglm/prune_artifacts.py', '--store', '/artifacts/store', '--keep', 'adgen']);
  expect(dry.volumeMounts).toContainEqual({ name: 'store-store', mountPath: '/artifacts/store', readOnly: true });
});

test('a real prune may write and says so', () => {
  const real = container({ remove: true, minimumAge: Duration.hours(2) });

  expect(real.command.slice(-3)).toEqual(['--min-age', '7200', '--delete']);
  expect(real.volumeMounts).toContainEqual({ name: 'store-store', mountPath: '/artifacts/store' });
});

test.each([
  [{ keep: [] }, '[test/prune] \'keep\' is empty, so everything on the store \'store\' would go; name the artifacts that are in use'],
  [{ store: { ...STORE, readOnly: true } }, '[test/prune] \'store\' store is read-only; nothing can be removed from it'],
  [{ store: { ...STORE, storeName: 'other' } }, '[test/prune] \'keep\' has adgen, which is on the store \'store\', not on \'other\''],
  [{ image: 'python' }, '[test/prune] \'image\' must be pinned by a full tag or a digest, got \'python\''],
])('a prune with %j is refused', (props, message) => {
  expect(messageOf(() => prune(props))).toBe(message);
});
