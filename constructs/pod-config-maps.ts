import { ApiObject, Chart } from 'cdk8s';
import type { Construct } from 'constructs';

import { digest } from '../lib/artifacts/lineage';
import type { Platform } from '../lib/platform';
import type { ComposedPod } from '../lib/pods/composed-pod';
import { dashed, fileKey, type PodConfigMaps } from '../lib/pods/script-volumes';
import type { KubernetesObject } from '../lib/workloads/kubernetes-object';
import { configMapKey, scriptFiles } from './script-files';

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
  return digest(scripts.map((script) => scriptFiles(script)), 8);
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
  if (chart.node.tryFindChild(id) === undefined) {
    const data = Object.fromEntries(scriptFiles(script).map((file) => [configMapKey(file), file.text]));
    const labels = { 'app.kubernetes.io/part-of': chart.node.id, 'app.kubernetes.io/managed-by': 'cdk8s-chatglm' };
    new ApiObject(chart, id, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels }, data });
  }
  return name;
}
