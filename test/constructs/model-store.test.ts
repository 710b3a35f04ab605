import { ApiObject, Chart, JsonPatch, Size, Testing } from 'cdk8s';
import { PersistentVolumeAccessMode, PersistentVolumeClaim } from 'cdk8s-plus-27';
import { Artifact, ArtifactFormat, ModelStore, type ModelStoreProps } from 'cdk8s-chatglm';

import { dottedLines } from '../support/dotted-paths';
import { reachManifest } from '../support/every-prop';
import { chartWith, only, synthesized } from '../support/synthesized';
import { serve } from '../support/workloads';

const SIZE = { size: Size.gibibytes(400) };

/** The claim of a store, and the pod of a server that reads from it. */
function rendered(props: ModelStoreProps): unknown {
  const chart = new Chart(Testing.app(), 'test', { namespace: 'llm' });
  const store = new ModelStore(chart, 'store', props);
  const weights = Artifact.existing({ store, directory: 'chatglm3', format: ArtifactFormat.HUGGING_FACE });
  return { claims: synthesized(chart), pod: only(serve({ weights }), 'Deployment') };
}

test('every field of a minimal claim', () => {
  const chart = chartWith();
  new ModelStore(chart, 'store', SIZE);

  expect(dottedLines(only(synthesized(chart), 'PersistentVolumeClaim'))).toEqual([
    'apiVersion: "v1"',
    'kind: "PersistentVolumeClaim"',
    'metadata.name: "test-store"',
    'metadata.namespace: "llm"',
    'spec.accessModes: ["ReadWriteMany"]',
    'spec.resources.requests.storage: "400Gi"',
    'spec.volumeMode: "Filesystem"',
  ]);
});

const claim = PersistentVolumeClaim.fromClaimName(new Chart(Testing.app(), 'claims'), 'claim', 'shared-weights');
const VOLUME = 'pod.spec.template.spec.volumes[0]';
const MOUNT = 'pod.spec.template.spec.containers[0].volumeMounts[0]';

describe('every prop reaches the manifest', () => {
  reachManifest<ModelStoreProps>({
    size: { given: { size: Size.gibibytes(1) }, props: SIZE, reaches: { 'claims[0].spec.resources.requests.storage': '400Gi' } },
    storageClassName: { given: SIZE, props: { storageClassName: 'nfs' }, reaches: { 'claims[0].spec.storageClassName': 'nfs' } },
    accessModes: {
      given: SIZE, props: { accessModes: [PersistentVolumeAccessMode.READ_WRITE_ONCE] },
      reaches: { 'claims[0].spec.accessModes': ['ReadWriteOnce'] },
    },
    existingClaim: {
      props: { existingClaim: claim },
      lifts: '[test/store] a store needs either \'size\' for a new claim or \'existingClaim\', got neither',
      reaches: { claims: [], [`${VOLUME}.persistentVolumeClaim.claimName`]: 'shared-weights' },
    },
    volumeName: { given: SIZE, props: { volumeName: 'by-hand' }, reaches: { 'claims[0].spec.volumeName': 'by-hand' } },
    readOnly: { given: SIZE, props: { readOnly: true }, reaches: { [`${VOLUME}.persistentVolumeClaim.readOnly`]: true } },
    storeName: { given: SIZE, props: { storeName: 'models' }, reaches: { [`${VOLUME}.name`]: 'store-models', [`${MOUNT}.mountPath`]: '/artifacts/models' } },
  }, (props) => rendered(props));
});

test.each([
  [[PersistentVolumeAccessMode.READ_WRITE_ONCE], false],
  [[PersistentVolumeAccessMode.READ_WRITE_ONCE_POD], false],
  [[PersistentVolumeAccessMode.READ_WRITE_MANY], true],
  [[PersistentVolumeAccessMode.READ_WRITE_ONCE, PersistentVolumeAccessMode.READ_WRITE_MANY], true],
])('with the access modes %j the store is shared: %s', (accessModes, shared) => {
  expect(new ModelStore(chartWith(), 'store', { ...SIZE, accessModes }).shared).toBe(shared);
});

test('a JSON patch of the construct changes the claim', () => {
  const chart = chartWith();

  ApiObject.of(new ModelStore(chart, 'store', SIZE)).addJsonPatch(JsonPatch.add('/spec/volumeName', 'pv-1'));

  expect(only(synthesized(chart), 'PersistentVolumeClaim').spec).toMatchObject({ volumeName: 'pv-1' });
});
