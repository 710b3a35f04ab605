import type { ApiObject } from 'cdk8s';
import type { Construct } from 'constructs';

import { Platform } from '../lib/platform';
import type { ComposedPod } from '../lib/pods/composed-pod';
import type { PodFragment } from '../lib/pods/pod-fragment';
import { mountScriptsAndFiles } from '../lib/pods/script-volumes';
import { composeTask, type TaskPod } from '../lib/pods/task-layers';
import { deployment } from '../lib/workloads/deployment';
import type { UpdateStrategy } from '../lib/workloads/update-strategy';
import { renderObjects } from './kubernetes-objects';
import { objectLabels, objectName } from './object-name';
import { fileConfigMaps, podConfigMaps, scriptDigest } from './pod-config-maps';
import type { ServerScale } from './server-scale';
import { holdArtifacts } from './store-holdings';

/** A serving task and how many pods answer. */
export interface Server extends Omit<TaskPod, 'platform' | 'kind'> {
  readonly scale: ServerScale;
  /** Seconds from creation to readiness: pulling, waiting, downloading and loading. */
  readonly progressDeadlineSeconds: number;
  readonly updateStrategy?: UpdateStrategy | undefined;
  readonly spreadOver?: string | undefined;
  readonly hostNetwork?: boolean | undefined;
}

/** What a rendered server is known by. */
export interface RenderedServer {
  readonly workload: ApiObject;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly selector: Readonly<Record<string, string>>;
}

/** Renders a server as a Deployment. */
export function renderServer(scope: Construct, server: Server): RenderedServer {
  const platform = Platform.of(scope);
  holdArtifacts(scope, server.task);
  const name = objectName(scope);
  const { labels, selector } = objectLabels(name, server.task.name, scope);
  const composed = composeTask({ ...server, platform, kind: deploymentFragment(server, selector) });
  const configMaps = podConfigMaps(scope, composed, platform, name);
  const pod = mountScriptsAndFiles(rolledByScripts(composed, platform), platform.scriptDelivery, configMaps);
  const workload = renderObjects(scope, [
    deployment({ ...server, replicas: server.scale.replicas, name, labels, selector, pod }),
    ...fileConfigMaps(composed, configMaps.files, labels),
  ]);
  return { workload, name, labels, selector };
}

/** Changed scripts roll the pods; those in an image change with its name. */
function rolledByScripts(pod: ComposedPod, { scriptDelivery }: Platform): ComposedPod {
  return scriptDelivery.imageName === undefined ? { ...pod, annotations: { ...pod.annotations, 'cdk8s-chatglm/scripts': scriptDigest(pod) } } : pod;
}

function deploymentFragment({ scale, spreadOver, hostNetwork }: Server, selector: Readonly<Record<string, string>>): PodFragment {
  const topologyKey = spreadOver ?? (scale.atMost > 1 ? 'kubernetes.io/hostname' : undefined);
  return {
    source: 'Deployment',
    ...(hostNetwork === true && { hostNetwork }),
    ...(topologyKey !== undefined && {
      topologySpreadConstraints: [{ maxSkew: 1, topologyKey, whenUnsatisfiable: 'ScheduleAnyway', labelSelector: { matchLabels: { ...selector } } }],
    }),
  };
}
