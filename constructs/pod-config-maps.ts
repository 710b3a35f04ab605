import { ApiObject, Chart } from 'cdk8s';
import type { Construct } from 'constructs';

import { digest } from '../lib/artifacts/lineage';
import type { Platform } from '../lib/platform';
import type { ComposedPod } from '../lib/pods/composed-pod';
import { dashed, fileKey, type PodConfigMaps } from '../lib/pods/script-volumes';
import type { KubernetesObject } from '../lib/workloads/kubernetes-object';
import { configMapKey, type ScriptFile, scriptFiles } from './script-files';

/**
 * The ConfigMaps that a pod reads. Scripts have one for each script and chart, of stable name, which all workloads of the chart share; text files
 * have one for each workload, whose name tells their content.
 */
export function podConfigMaps(scope: Construct, pod: ComposedPod, platform: Platform, name: string): PodConfigMaps {
  const delivered = platform.scriptDelivery.imageName === undefined ? pod.scripts : [];
  return {
    scripts: Object.fromEntries(delivered.map((script) => [script, scriptConfigMap(scope, script)])),
    files: `${name}-files-${digest(pod.files, 8)}`,
  };
}

/** A digest of a pod's scripts: in an annotation of a server's pods it makes them roll when a script changes. */
export function scriptDigest({ scripts }: ComposedPod): string {
  return digest(scripts.map((script) => filesDigest(scriptFiles(script))), 8);
}

/** Fleets have hundreds of servers with the same scripts. */
const digests = new WeakMap<readonly ScriptFile[], string>();

function filesDigest(files: readonly ScriptFile[]): string {
  const known = digests.get(files) ?? digest(files, 8);
  digests.set(files, known);
  return known;
}

/** The ConfigMap with the text files of a pod; none if it has none. */
export function fileConfigMaps({ files }: ComposedPod, name: string, labels: Readonly<Record<string, string>>): KubernetesObject[] {
  return files.length === 0 ? [] : [{
    apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels }, data: Object.fromEntries(files.map(({ path, text }) => [fileKey(path), text])),
  }];
}

function scriptConfigMap(scope: Construct, script: string): string {
  const chart = Chart.of(scope);
  const id = `scripts-${dashed(script)}`;
  const name = `${chart.node.id}-${id}`;
  const existing = chart.node.tryFindChild(id);
  if (existing !== undefined && !(ApiObject.isApiObject(existing) && existing.kind === 'ConfigMap' && existing.name === name)) {
    throw new Error(`the chart '${chart.node.id}' has a construct '${id}' already, where the ConfigMap with these scripts goes; give it another id`);
  }
  if (existing === undefined) {
    const data = Object.fromEntries(scriptFiles(script).map((file) => [configMapKey(file), file.text]));
    const labels = { 'app.kubernetes.io/part-of': chart.node.id, 'app.kubernetes.io/managed-by': 'cdk8s-chatglm' };
    new ApiObject(chart, id, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels }, data });
  }
  return name;
}
