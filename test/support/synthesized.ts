import { Chart, Testing } from 'cdk8s';

import { Accelerator, Artifact, type ArtifactFormat, DevicePlugin, type IArtifactStore, NodeType, Platform, type PlatformProps, Scheduler } from 'cdk8s-chatglm';

import type { KubernetesObject } from '../../lib/workloads/kubernetes-object';

/** A store that no cluster has, for artifacts in tests. */
export const STORE: IArtifactStore = { storeName: 'store', shared: true, readOnly: false, volumeSource: { persistentVolumeClaim: { claimName: 'claim' } } };

/** An artifact that exists, of any format. */
export function artifact(format: ArtifactFormat, directory = `some-${format.name}`): Artifact {
  return Artifact.existing({ store: STORE, directory, format });
}

/** A chart `test` with a platform that has every vendor, unless told otherwise. */
export function chartWith(props: PlatformProps = everyVendor()): Chart {
  const chart = new Chart(Testing.app(), 'test', { namespace: 'llm' });
  Platform.attach(chart, props);
  return chart;
}

/** A platform with one node type and one device plugin a vendor. */
export function everyVendor(): PlatformProps {
  return {
    nodeTypes: [NodeType.ATLAS_800T_A2, NodeType.ATLAS_800_9000, NodeType.ATLAS_300I_DUO_SERVER, NodeType.MLU370_X8_SERVER, NodeType.SC7_HP75_SERVER],
    devicePlugins: [
      DevicePlugin.mindCluster({ version: '26.0' }), DevicePlugin.cambricon(), DevicePlugin.genericDevicePlugin({ name: 'bm1684x' }),
    ],
    scheduler: Scheduler.DEFAULT,
  };
}

/** What a chart synthesizes, as plain JSON. */
export function synthesized(chart: Chart): KubernetesObject[] {
  return Testing.synth(chart) as KubernetesObject[];
}

/** The one object of a kind. */
export function only(objects: readonly KubernetesObject[], kind: string): KubernetesObject {
  const found = objects.filter((object) => object.kind === kind);
  if (found.length !== 1) {
    throw new Error(`expected one ${kind}, found ${found.map(({ metadata }) => metadata.name).join(', ') || 'none'}`);
  }
  return found[0]!;
}

/** The chip of most tests. */
export const CHIP = Accelerator.ASCEND_910B3;
