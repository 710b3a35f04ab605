import { ApiObject } from 'cdk8s';
import type { Construct } from 'constructs';

import { digest } from '../lib/artifacts/lineage';
import type { Platform } from '../lib/platform';
import type { ComposedPod } from '../lib/pods/composed-pod';
import { fileKey } from '../lib/pods/script-volumes';
import { checkObjects } from '../lib/rules/check-objects';
import type { KubernetesObject } from '../lib/workloads/kubernetes-object';
import { configMapKey, scriptFiles } from './script-files';

/**
 * Renders plain objects as the children of a construct. The first one, the workload, is called `Resource`, so that
 * `ApiObject.of(construct)` finds it.
 *
 * @throws if a rule finds a fault
 */
export function renderObjects(scope: Construct, objects: readonly KubernetesObject[]): ApiObject {
  const findings = checkObjects(objects);
  if (findings.length > 0) {
    throw new Error(findings.map(({ rule, object, message }) => `${object}: ${message} (rule ${rule})`).join('; '));
  }
  const [workload] = objects.map((object, index) => new ApiObject(scope, index === 0 ? 'Resource' : childId(object), object));
  return workload as ApiObject;
}

function childId({ kind, metadata }: KubernetesObject): string {
  return `${kind.toLowerCase()}-${metadata.name.replace(/.*-(scripts|files)(-.*)?$/, '$1')}`;
}

/** The ConfigMap with the scripts of a pod; none if the pod starts none or they come in an image. */
export function scriptConfigMaps(pod: ComposedPod, platform: Platform, name: string, labels: Readonly<Record<string, string>>): KubernetesObject[] {
  if (pod.scripts.length === 0 || platform.scriptDelivery.imageName !== undefined) {
    return [];
  }
  const data = Object.fromEntries(scriptFiles(pod.scripts).map((file) => [configMapKey(file), file.text]));
  return [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels }, data }];
}

/** A digest of the scripts, for the name of a ConfigMap that makes servers roll when they change. */
export function scriptDigest(pod: ComposedPod): string {
  return digest(scriptFiles(pod.scripts), 8);
}

/** The ConfigMap with the text files of a pod; none if it has none. Its name must tell its content: see `fileDigest`. */
export function fileConfigMaps({ files }: ComposedPod, name: string, labels: Readonly<Record<string, string>>): KubernetesObject[] {
  return files.length === 0 ? [] : [{
    apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels }, data: Object.fromEntries(files.map(({ path, text }) => [fileKey(path), text])),
  }];
}

/** A digest of the text files of a pod. */
export function fileDigest({ files }: ComposedPod): string {
  return digest(files, 8);
}
