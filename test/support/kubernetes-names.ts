import type { KubernetesObject } from '../../lib/workloads/kubernetes-object';
import { podTemplates } from '../../lib/rules/pod-template';

/** RFC 1123 labels of at most 63 characters. */
const DNS_LABEL = /^(?=.{1,63}$)[a-z0-9]+(-+[a-z0-9]+)*$/;
const DNS_SUBDOMAIN = /^(?=.{1,253}$)[a-z0-9]+(-+[a-z0-9]+)*(\.[a-z0-9]+(-+[a-z0-9]+)*)*$/;
/** Label values, and the part of a label's or an annotation's key behind the `/`. */
const QUALIFIED = /^(?=.{1,63}$)[A-Za-z0-9]+([-_.]+[A-Za-z0-9]+)*$/;

/** Every name, label, annotation key, selector and resource name of an object that Kubernetes would refuse. */
export function illegalNames(object: KubernetesObject): string[] {
  const { metadata } = object;
  return [
    ...(DNS_LABEL.test(metadata.name) ? [] : [`name ${metadata.name}`]),
    ...labels(metadata.labels),
    ...keys(metadata.annotations),
    ...podTemplates(object).flatMap(({ metadata: pod, spec }) => [
      ...labels(pod.labels), ...keys(pod.annotations), ...labels(spec.nodeSelector),
      ...[...spec.containers, ...spec.initContainers ?? [], ...spec.volumes ?? []].map(({ name }) => name).filter((name) => !DNS_LABEL.test(name)),
      ...spec.containers.flatMap(({ resources }) => keys(resources?.limits)),
      ...duplicates(spec.volumes?.map(({ name }) => name)),
      ...spec.containers.flatMap(({ volumeMounts }) => duplicates(volumeMounts?.map(({ mountPath }) => mountPath))),
    ]),
  ];
}

function keys(map: object = {}): string[] {
  return Object.keys(map).filter((key) => {
    const parts = key.split('/');
    return parts.length > 2 || !QUALIFIED.test(parts.at(-1)!) || (parts.length === 2 && !DNS_SUBDOMAIN.test(parts[0]!));
  });
}

function labels(map: Readonly<Record<string, string>> = {}): string[] {
  return [...keys(map), ...Object.entries(map).filter(([, value]) => value !== '' && !QUALIFIED.test(value)).map(([key, value]) => `${key}: ${value}`)];
}

function duplicates(names: readonly string[] = []): string[] {
  return names.filter((name, index) => names.indexOf(name) !== index);
}
