import type { ApiObject } from 'cdk8s';
import type { Construct } from 'constructs';

import { Platform } from '../lib/platform';
import { mountScriptsAndFiles } from '../lib/pods/script-volumes';
import { composeTask, type TaskPod } from '../lib/pods/task-layers';
import { deployment } from '../lib/workloads/deployment';
import { fileConfigMaps, fileDigest, renderObjects, scriptConfigMaps, scriptDigest } from './kubernetes-objects';
import { objectLabels, objectName } from './object-name';

/** A serving task and how many pods answer. */
export interface Server extends Omit<TaskPod, 'platform' | 'kind'> {
  readonly replicas: number;
  /** Seconds from creation to readiness: pulling, waiting, downloading and loading. */
  readonly progressDeadlineSeconds: number;
}

/** What a rendered server is known by. */
export interface RenderedServer {
  readonly workload: ApiObject;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly selector: Readonly<Record<string, string>>;
}

/** Renders a server as a Deployment. Its scripts are in a ConfigMap whose name tells their content, so that a changed script rolls the pods. */
export function renderServer(scope: Construct, server: Server): RenderedServer {
  const platform = Platform.of(scope);
  const name = objectName(scope);
  const { labels, selector } = objectLabels(name, server.task.name, scope);
  const composed = composeTask({ ...server, platform, kind: { source: 'Deployment' } });
  const configMaps = { scripts: `${name}-scripts-${scriptDigest(composed)}`, files: `${name}-files-${fileDigest(composed)}` };
  const pod = mountScriptsAndFiles(composed, platform.scriptDelivery, configMaps);
  const workload = renderObjects(scope, [
    deployment({ ...server, name, labels, selector, pod }),
    ...scriptConfigMaps(composed, platform, configMaps.scripts, labels),
    ...fileConfigMaps(composed, configMaps.files, labels),
  ]);
  return { workload, name, labels, selector };
}

